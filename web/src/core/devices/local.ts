import { type MediaProblem } from '../problem';
import { isSecure, type DeviceChoices, type MediaKind } from './kinds';
import { permissionOf } from './permissions';
import { mediaProblem } from './problems';

/** What we ask a camera for; the browser comes as near as the camera can. */
export const CAMERA = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
} as const;
/** Speech is what the microphone is for. */
export const MICROPHONE = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
} as const;

/** Longer than a slow camera needs; who has not answered the browser's question joins without. In ms. */
const OPENING_WITHIN = 3_000;

type Tracks = Record<MediaKind, MediaStreamTrack | null>;
/** What became of each kind that was asked for: null when it is open. */
export type Opened = Partial<Record<MediaKind, MediaProblem | null>>;

/**
 * The own devices before the call has them. It never holds a device twice, asks for one thing at a
 * time (some browsers end the first stream when asked for a second meanwhile), and gives its tracks
 * away whole.
 */
export class LocalMedia {
  #tracks: Tracks = { microphone: null, camera: null };
  #wanted: Record<MediaKind, boolean> = { microphone: false, camera: false };
  #queue: Promise<unknown> = Promise.resolve();
  readonly #ended: (kind: MediaKind) => void;

  /** @param ended told when a device went away by itself. */
  constructor(ended: (kind: MediaKind) => void) {
    this.#ended = ended;
  }

  /** The open track of this kind, if any. */
  track(kind: MediaKind): MediaStreamTrack | null {
    return this.#tracks[kind];
  }

  /** Opens the devices of these kinds, in one question to the person where the browser can. */
  open(kinds: readonly MediaKind[], choices: DeviceChoices): Promise<Opened> {
    for (const kind of kinds) this.#wanted[kind] = true;
    const opened = this.#queue.then(() => this.#open(kinds, choices));
    this.#queue = opened.catch(() => undefined);
    return opened;
  }

  /** Lets go of a device; its light goes out. */
  close(kind: MediaKind): void {
    this.#wanted[kind] = false;
    this.#tracks[kind]?.stop();
    this.#tracks[kind] = null;
  }

  /**
   * Hands over all tracks, after waiting a little for those that are just opening. Nothing is held
   * afterwards, and what opens later is closed again.
   */
  async take(): Promise<Tracks> {
    await Promise.race([this.#queue, new Promise((done) => setTimeout(done, OPENING_WITHIN))]);
    const taken = this.#tracks;
    this.#tracks = { microphone: null, camera: null };
    this.#wanted = { microphone: false, camera: false };
    return taken;
  }

  async #open(kinds: readonly MediaKind[], choices: DeviceChoices): Promise<Opened> {
    const needed = kinds.filter((kind) => this.#wanted[kind] && this.#tracks[kind] === null);
    const opened: Opened = {};
    if (needed.length < 2) {
      for (const kind of needed) opened[kind] = await this.#openOne(kind, choices);
      return opened;
    }
    try {
      this.#keep(await getMedia(needed, choices));
      return { microphone: null, camera: null };
    } catch (error) {
      // One of them may still work alone.
      for (const kind of needed) opened[kind] = await this.#afterRefusal(kind, choices, error);
      return opened;
    }
  }

  /** Both were refused together. Who said no is not asked again, twice, for the parts. */
  async #afterRefusal(
    kind: MediaKind,
    choices: DeviceChoices,
    error: unknown,
  ): Promise<MediaProblem | null> {
    const saidNo = error instanceof Error && error.name === 'NotAllowedError';
    const permission = await permissionOf(kind);
    if (saidNo && permission !== 'granted') return mediaProblem(error, permission);
    return this.#openOne(kind, choices);
  }

  async #openOne(kind: MediaKind, choices: DeviceChoices): Promise<MediaProblem | null> {
    try {
      this.#keep(await getMedia([kind], choices));
      return null;
    } catch (error) {
      return mediaProblem(error, await permissionOf(kind));
    }
  }

  #keep(stream: MediaStream): void {
    for (const track of stream.getTracks()) {
      const kind = track.kind === 'audio' ? 'microphone' : 'camera';
      if (!this.#wanted[kind] || this.#tracks[kind] !== null) {
        // Closed again while the question stood.
        track.stop();
        continue;
      }
      this.#tracks[kind] = track;
      track.addEventListener('ended', () => {
        if (this.#tracks[kind] !== track) return;
        this.close(kind);
        this.#ended(kind);
      });
    }
  }
}

async function getMedia(kinds: readonly MediaKind[], choices: DeviceChoices): Promise<MediaStream> {
  if (!isSecure()) throw new TypeError('no mediaDevices');
  const ask = (exact: boolean) =>
    navigator.mediaDevices.getUserMedia({
      ...(kinds.includes('microphone') && {
        audio: { ...MICROPHONE, ...device(choices.microphone.id, exact) },
      }),
      ...(kinds.includes('camera') && {
        video: { ...CAMERA, ...device(choices.camera.id, exact) },
      }),
    });
  try {
    return await ask(true);
  } catch (error) {
    // The remembered device may be at home; another is better than none.
    if (error instanceof Error && error.name === 'OverconstrainedError') return ask(false);
    throw error;
  }
}

function device(id: string | null, exact: boolean): MediaTrackConstraints {
  return id === null ? {} : { deviceId: exact ? { exact: id } : { ideal: id } };
}
