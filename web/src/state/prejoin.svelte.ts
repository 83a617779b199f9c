import {
  type DeviceChoices,
  isSecure,
  listDevices,
  MEDIA_KINDS,
  type MediaKind,
  onDeviceChange,
} from '../core/devices/kinds';
import { LocalMedia } from '../core/devices/local';
import { permissionOf } from '../core/devices/permissions';
import type { MediaProblem } from '../core/problem';
import type { Visits } from '../core/visit';

/** Where the question for camera and microphone stands. */
export type Question = 'none' | 'explain' | 'asking';

/** The own devices before the call: what is wanted, what is open, what stands in the way. */
export class PreJoin {
  choices = $state<DeviceChoices>() as DeviceChoices;
  devices = $state.raw<Awaited<ReturnType<typeof listDevices>>>({ microphone: [], camera: [] });
  tracks = $state.raw<Record<MediaKind, MediaStreamTrack | null>>({
    microphone: null,
    camera: null,
  });
  problems = $state.raw<Record<MediaKind, MediaProblem | null>>({ microphone: null, camera: null });
  question = $state<Question>('none');

  readonly #visits: Visits;
  readonly #media = new LocalMedia((kind) => this.#deviceGone(kind));
  #stopWatching = () => {};

  constructor(visits: Visits) {
    this.#visits = visits;
    this.choices = visits.devices();
  }

  /**
   * Opens what is wanted and already allowed. What would make the browser ask waits until it has
   * been explained (`question` is then `explain`).
   * @param explained true for somebody who comes back with devices that were on.
   */
  async start(explained = false): Promise<void> {
    this.#stopWatching();
    this.#stopWatching = onDeviceChange(() => void this.#devicesChanged());
    await this.#list();
    const wanted = MEDIA_KINDS.filter((kind) => this.choices[kind].on);
    if (!isSecure()) {
      this.problems = { microphone: 'insecure', camera: 'insecure' };
      return;
    }
    const allowed = await this.#allowed(wanted, explained);
    if (allowed.length > 0) await this.#open(allowed);
    const waiting = wanted.some((kind) => !allowed.includes(kind) && this.problems[kind] === null);
    if (waiting) this.question = 'explain';
  }

  /** After the explanation: lets the browser ask. */
  async ask(): Promise<void> {
    await this.#open(MEDIA_KINDS.filter((kind) => this.choices[kind].on));
  }

  /** Goes on without devices. */
  withoutDevices(): void {
    this.question = 'none';
    for (const kind of MEDIA_KINDS) {
      if (this.tracks[kind] === null) this.choices[kind].on = false;
    }
  }

  /** Turns a device on or off. */
  async toggle(kind: MediaKind): Promise<void> {
    if (this.tracks[kind] === null) {
      this.choices[kind].on = true;
      this.#keep();
      await this.#open([kind]);
      return;
    }
    this.choices[kind].on = false;
    this.#keep();
    this.#media.close(kind);
    this.#mirror();
  }

  /** Uses another device. */
  async select(kind: MediaKind, id: string): Promise<void> {
    this.choices[kind].id = id;
    this.#keep();
    if (!this.choices[kind].on) return;
    this.#media.close(kind);
    await this.#open([kind]);
  }

  /** Hands over the open tracks and holds nothing any more. */
  async take(): Promise<Record<MediaKind, MediaStreamTrack | null>> {
    this.#stopWatching();
    const taken = await this.#media.take();
    this.#mirror();
    return taken;
  }

  /** Lets go of everything. */
  stop(): void {
    this.#stopWatching();
    for (const kind of MEDIA_KINDS) this.#media.close(kind);
    this.#mirror();
  }

  async #open(kinds: readonly MediaKind[]): Promise<void> {
    this.question = kinds.length > 0 ? 'asking' : 'none';
    const opened = await this.#media.open(kinds, $state.snapshot(this.choices));
    this.question = 'none';
    this.problems = { ...this.problems, ...opened };
    this.#mirror();
    // The browser names the devices only now.
    await this.#list();
  }

  /** Those that open without a question. Those that the browser blocks get their problem. */
  async #allowed(wanted: readonly MediaKind[], explained: boolean): Promise<MediaKind[]> {
    const allowed: MediaKind[] = [];
    for (const kind of wanted) {
      const permission = await permissionOf(kind);
      const named = this.devices[kind].some((device) => device.label !== '');
      if (permission === 'denied') this.problems = { ...this.problems, [kind]: 'blocked-site' };
      else if (explained || permission === 'granted' || (permission === 'unknown' && named)) {
        allowed.push(kind);
      }
    }
    return allowed;
  }

  async #devicesChanged(): Promise<void> {
    await this.#list();
    const back = MEDIA_KINDS.filter(
      (kind) =>
        this.choices[kind].on &&
        this.problems[kind] === 'no-device' &&
        this.devices[kind].length > 0,
    );
    if (back.length > 0) await this.#open(back);
  }

  #deviceGone(kind: MediaKind): void {
    this.problems = { ...this.problems, [kind]: 'no-device' };
    this.#mirror();
  }

  async #list(): Promise<void> {
    this.devices = await listDevices();
  }

  #keep(): void {
    this.#visits.keepDevices($state.snapshot(this.choices));
  }

  #mirror(): void {
    this.tracks = {
      microphone: this.#media.track('microphone'),
      camera: this.#media.track('camera'),
    };
  }
}
