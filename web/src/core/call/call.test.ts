import { describe, expect, it, vi } from 'vitest';
import { ProblemError } from '../problem';
import { Call } from './call';
import type { MediaKind } from '../devices/kinds';
import type { RtcEvent, RtcSession } from './types';

const CHOICES = { microphone: { on: true, id: null }, camera: { on: true, id: 'cam' } };
const NO_TRACKS = { microphone: null, camera: null };

/** A session whose devices turn on and off a moment later, as real ones do. */
function session(more: Partial<RtcSession> = {}) {
  const on: Record<MediaKind, boolean> = { microphone: false, camera: false };
  const changes: string[] = [];
  const fake: RtcSession = {
    connect: () => Promise.resolve(),
    publish: async (kind) => {
      await Promise.resolve();
      on[kind] = true;
    },
    setEnabled: async (kind, to) => {
      changes.push(`${kind} ${to ? 'on' : 'off'}`);
      await new Promise((done) => setTimeout(done));
      on[kind] = to;
    },
    isEnabled: (kind) => on[kind],
    deviceOf: () => null,
    useDevice: () => Promise.resolve(),
    startShare: () => Promise.resolve(true),
    stopShare: () => Promise.resolve(),
    say: () => Promise.resolve(),
    startSound: () => Promise.resolve(),
    show: () => () => undefined,
    leave: () => Promise.resolve(),
    ...more,
  };
  return { fake, on, changes };
}

async function entered(more: Partial<RtcSession> = {}) {
  const trouble = vi.fn();
  const parts = session(more);
  const call = new Call(trouble, () => 0);
  let tell: (event: RtcEvent) => void = () => undefined;
  await call.enter(
    (told) => {
      tell = told;
      return Promise.resolve(parts.fake);
    },
    'token',
    NO_TRACKS,
    CHOICES,
  );
  return { call, trouble, tell: (event: RtcEvent) => tell(event), ...parts };
}

function track(): MediaStreamTrack & { stop: ReturnType<typeof vi.fn> } {
  return { stop: vi.fn() } as unknown as MediaStreamTrack & { stop: ReturnType<typeof vi.fn> };
}

describe('entering', () => {
  it('publishes what was open in the preview', async () => {
    const published: unknown[] = [];
    const { fake } = session({
      publish: (kind, one) => {
        published.push([kind, one]);
        return Promise.resolve();
      },
    });
    const camera = track();
    const call = new Call(vi.fn());
    await call.enter(() => Promise.resolve(fake), 't', { microphone: null, camera }, CHOICES);
    expect(published).toEqual([['camera', camera]]);
    expect(call.state.wanted).toEqual({ microphone: false, camera: true });
  });

  it('turns off what was muted while it was being published', async () => {
    let publish: () => void = () => undefined;
    const parts = session();
    parts.fake.publish = (kind) =>
      new Promise((done) => {
        publish = () => {
          parts.on[kind] = true;
          done();
        };
      });
    const call = new Call(vi.fn());
    const tracks = { microphone: track(), camera: null };
    await call.enter(() => Promise.resolve(parts.fake), 't', tracks, CHOICES);
    const muted = call.want('microphone', false);
    publish();
    await muted;
    expect(parts.on.microphone).toBe(false);
    expect(call.state.wanted.microphone).toBe(false);
  });

  it('remembers the chosen device also when it is off', async () => {
    const useDevice = vi.fn(() => Promise.resolve());
    await entered({ useDevice });
    expect(useDevice.mock.calls).toEqual([['camera', 'cam']]);
  });

  it('lets go of the devices and tells why when it fails', async () => {
    const { fake } = session({ connect: () => Promise.reject(new ProblemError('ice-failed')) });
    const microphone = track();
    const call = new Call(vi.fn());
    const entering = call.enter(
      () => Promise.resolve(fake),
      't',
      { microphone, camera: null },
      CHOICES,
    );
    await expect(entering).rejects.toMatchObject({ problem: 'ice-failed' });
    expect(microphone.stop).toHaveBeenCalled();
  });
});

describe('devices', () => {
  it('end as wanted last, however fast somebody presses', async () => {
    const { call, on, changes } = await entered();
    const all = [true, false, true, false, true].map((to) => call.want('camera', to));
    await Promise.all(all);
    expect(on.camera).toBe(true);
    expect(changes.length).toBeLessThan(5);
  });

  it('give up a wish that fails, and say so once', async () => {
    const setEnabled = vi.fn(() => Promise.reject(new ProblemError('busy')));
    const { call, trouble } = await entered({ setEnabled });
    await call.want('microphone', true);
    expect(setEnabled).toHaveBeenCalledTimes(1);
    expect(trouble).toHaveBeenCalledWith('busy', 'microphone');
    expect(call.state.wanted.microphone).toBe(false);
  });

  it('are on while a key is held, and off again after', async () => {
    const { call, on } = await entered();
    call.talk(true);
    await vi.waitFor(() => expect(on.microphone).toBe(true));
    call.talk(false);
    await vi.waitFor(() => expect(on.microphone).toBe(false));
  });

  it('stay on when a key is let go that did not turn them on', async () => {
    const { call, on } = await entered();
    await call.want('microphone', true);
    call.talk(true);
    call.talk(false);
    await Promise.resolve();
    expect(on.microphone).toBe(true);
    expect(call.state.wanted.microphone).toBe(true);
  });
});

it('a device that went away by itself is turned on again by one press', async () => {
  const { call, on, tell } = await entered();
  await call.want('camera', true);
  on.camera = false;
  const self = { identity: 'me', name: 'Me', local: true, microphone: false, camera: false };
  tell({ type: 'members', members: [{ ...self, cameraPicture: null, screenPicture: null }] });
  expect(call.state.wanted.camera).toBe(false);
});

describe('the end', () => {
  it('is told once, with its first reason', async () => {
    const { call, tell } = await entered();
    tell({ type: 'closed', ending: 'other-tab' });
    tell({ type: 'closed', ending: 'lost' });
    expect(call.state.ending).toBe('other-tab');
  });

  it('takes unfinished work along in silence', async () => {
    let refuse: (reason: unknown) => void = () => undefined;
    const { call, trouble, tell } = await entered({
      say: () => new Promise((_, reject) => (refuse = reject)),
    });
    const said = call.say('hello');
    tell({ type: 'closed', ending: 'ended' });
    refuse(new Error('gone'));
    expect(await said).toBe(false);
    expect(trouble).not.toHaveBeenCalled();
  });
});
