import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LocalMedia } from './local';

const CHOICES = { microphone: { on: true, id: null }, camera: { on: true, id: 'cam' } };
type Ask = (constraints: MediaStreamConstraints) => Promise<MediaStream>;

class Track extends EventTarget {
  live = true;
  constructor(readonly kind: 'audio' | 'video') {
    super();
  }
  stop() {
    this.live = false;
  }
}

const opened: Track[] = [];
const permissions: Record<string, PermissionState> = {};

function stream(constraints: MediaStreamConstraints): MediaStream {
  const tracks = [
    ...(constraints.audio ? [new Track('audio')] : []),
    ...(constraints.video ? [new Track('video')] : []),
  ];
  opened.push(...tracks);
  return { getTracks: () => tracks } as unknown as MediaStream;
}

function browser(ask: Ask) {
  const getUserMedia = vi.fn(ask);
  vi.stubGlobal('navigator', {
    mediaDevices: { getUserMedia },
    permissions: { query: ({ name }: { name: string }) => ({ state: permissions[name] }) },
  });
  return getUserMedia;
}

function refusal(name: string): DOMException {
  return new DOMException('', name);
}

beforeEach(() => {
  opened.length = 0;
  permissions['microphone'] = permissions['camera'] = 'granted';
});
afterEach(() => vi.unstubAllGlobals());

describe('the own devices', () => {
  it('are opened in one question, once', async () => {
    const ask = browser((constraints) => Promise.resolve(stream(constraints)));
    const media = new LocalMedia(vi.fn());
    await media.open(['microphone', 'camera'], CHOICES);
    await media.open(['microphone', 'camera'], CHOICES);
    expect(ask).toHaveBeenCalledTimes(1);
    expect(opened).toHaveLength(2);
  });

  it('are asked for one after the other', async () => {
    let running = 0;
    let most = 0;
    browser(async (constraints) => {
      most = Math.max(most, ++running);
      await new Promise((done) => setTimeout(done));
      running--;
      return stream(constraints);
    });
    const media = new LocalMedia(vi.fn());
    await Promise.all([media.open(['microphone'], CHOICES), media.open(['camera'], CHOICES)]);
    expect(most).toBe(1);
  });

  it('work alone when the other is missing', async () => {
    browser((constraints) =>
      constraints.video
        ? Promise.reject(refusal('NotFoundError'))
        : Promise.resolve(stream(constraints)),
    );
    const media = new LocalMedia(vi.fn());
    const result = await media.open(['microphone', 'camera'], CHOICES);
    expect(result).toEqual({ microphone: null, camera: 'no-device' });
    expect(media.track('microphone')).not.toBeNull();
  });

  it('are not asked for again, one by one, when the person said no', async () => {
    permissions['microphone'] = permissions['camera'] = 'denied';
    const ask = browser(() => Promise.reject(refusal('NotAllowedError')));
    const result = await new LocalMedia(vi.fn()).open(['microphone', 'camera'], CHOICES);
    expect(result).toEqual({ microphone: 'blocked-site', camera: 'blocked-site' });
    expect(ask).toHaveBeenCalledTimes(1);
  });

  it('take another camera when the remembered one is not there', async () => {
    browser((constraints) => {
      const video = constraints.video as MediaTrackConstraints;
      const exact = typeof video.deviceId === 'object' && 'exact' in video.deviceId;
      return exact
        ? Promise.reject(refusal('OverconstrainedError'))
        : Promise.resolve(stream(constraints));
    });
    expect(await new LocalMedia(vi.fn()).open(['camera'], CHOICES)).toEqual({ camera: null });
  });

  it('are let go when closed while the question stands', async () => {
    browser((constraints) => Promise.resolve(stream(constraints)));
    const media = new LocalMedia(vi.fn());
    const opening = media.open(['camera'], CHOICES);
    await Promise.resolve();
    media.close('camera');
    await opening;
    expect(opened.every((track) => !track.live)).toBe(true);
    expect(media.track('camera')).toBeNull();
  });

  it('are handed over whole, and not held any more', async () => {
    browser((constraints) => Promise.resolve(stream(constraints)));
    const media = new LocalMedia(vi.fn());
    void media.open(['microphone', 'camera'], CHOICES);
    const taken = await media.take();
    expect([taken.microphone, taken.camera]).toEqual(opened);
    media.close('camera');
    expect(opened.every((track) => track.live)).toBe(true);
  });

  it('tell when one went away by itself', async () => {
    browser((constraints) => Promise.resolve(stream(constraints)));
    const gone = vi.fn();
    const media = new LocalMedia(gone);
    await media.open(['camera'], CHOICES);
    opened[0]?.dispatchEvent(new Event('ended'));
    expect(gone).toHaveBeenCalledWith('camera');
    expect(media.track('camera')).toBeNull();
  });

  it('need a secure address', async () => {
    vi.stubGlobal('navigator', {});
    const result = await new LocalMedia(vi.fn()).open(['microphone', 'camera'], CHOICES);
    expect(result).toEqual({ microphone: 'insecure', camera: 'insecure' });
  });
});
