import { MEDIA_KINDS, type DeviceChoices, type MediaKind } from '../devices/kinds';
import { type Problem, ProblemError } from '../problem';
import { SpeakerBoard } from './speakers';
import { type CallState, initialState, reduce } from './state';
import type { PictureSource, RtcEvent, RtcSession, SessionFactory } from './types';

/** Tells what could not be done, and with which device if it was one. */
export type Trouble = (problem: Problem, kind: MediaKind | null) => void;

/**
 * One call from entering to leaving. It owns the truth (`state`), tells its listeners when that
 * changes, and turns wishes into what the session does, one after the other per device.
 */
export class Call {
  readonly speakers = new SpeakerBoard();
  readonly #listeners = new Set<(state: CallState) => void>();
  readonly #trouble: Trouble;
  readonly #now: () => number;
  #state: CallState;
  #session: RtcSession | null = null;
  readonly #working = new Map<MediaKind, Promise<void>>();
  /** Whether the microphone is on only for as long as a key is held. */
  #talking = false;

  /** @param now a clock in ms; only differences count. */
  constructor(trouble: Trouble, now: () => number = () => performance.now()) {
    this.#trouble = trouble;
    this.#now = now;
    this.#state = initialState(now());
  }

  get state(): CallState {
    return this.#state;
  }

  /** Calls back after each change until the returned function is called. */
  subscribe(listener: (state: CallState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Enters the room, then begins to publish the tracks that are given; they belong to the call from
   * here on, also when it fails.
   * @throws ProblemError
   */
  async enter(
    makeSession: SessionFactory,
    token: string,
    tracks: Readonly<Record<MediaKind, MediaStreamTrack | null>>,
    choices: DeviceChoices,
  ): Promise<void> {
    try {
      const session = await makeSession((event) => this.#handle(event));
      this.#session = session;
      await session.connect(token);
      for (const kind of MEDIA_KINDS) {
        const id = choices[kind].id;
        if (id !== null && tracks[kind] === null) await session.useDevice(kind, id);
      }
    } catch (error) {
      for (const kind of MEDIA_KINDS) tracks[kind]?.stop();
      await this.#session?.leave().catch(() => undefined);
      throw error instanceof ProblemError ? error : new ProblemError('cannot-join', error);
    }
    for (const kind of MEDIA_KINDS) {
      const track = tracks[kind];
      if (track === null) continue;
      this.#setWanted(kind, true);
      void this.#work(kind, () => this.#publish(kind, track));
    }
  }

  /** Turns a device on or off. Resolves when it is so, or has failed and was told as trouble. */
  want(kind: MediaKind, on: boolean): Promise<void> {
    if (kind === 'microphone') this.#talking = false;
    return this.#want(kind, on);
  }

  /** Turns the microphone on while a key is held. Does nothing to one that is on anyway. */
  talk(held: boolean): void {
    if (held === this.#talking) return;
    if (held && this.#state.wanted.microphone) return;
    this.#talking = held;
    void this.#want('microphone', held);
  }

  /** The device that is open now; null when none is. */
  deviceOf(kind: MediaKind): string | null {
    return this.#session?.deviceOf(kind) ?? null;
  }

  /** Uses another device from now on. */
  async useDevice(kind: MediaKind, id: string): Promise<void> {
    await this.#try(kind, () => this.#session?.useDevice(kind, id));
  }

  /** Starts or stops sharing the screen. */
  async share(on: boolean): Promise<void> {
    await this.#try(null, () => (on ? this.#session?.startShare() : this.#session?.stopShare()));
  }

  /** Sends a line to everybody. False when it did not go out. */
  async say(text: string): Promise<boolean> {
    return this.#try(null, () => this.#session?.say(text));
  }

  /** To be called in a click. */
  async startSound(): Promise<void> {
    await this.#try(null, () => this.#session?.startSound());
  }

  /** Shows a picture in an element until the returned function is called. */
  show(identity: string, source: PictureSource, element: HTMLVideoElement): () => void {
    return this.#session?.show(identity, source, element) ?? (() => undefined);
  }

  async leave(): Promise<void> {
    await this.#session?.leave();
    this.#handle({ type: 'closed', ending: 'left' });
  }

  async #publish(kind: MediaKind, track: MediaStreamTrack): Promise<void> {
    const published = await this.#try(kind, () => this.#session?.publish(kind, track));
    // Somebody may have turned it off while it was being published.
    if (published) return this.#reconcile(kind);
    track.stop();
    this.#setWanted(kind, false);
  }

  #want(kind: MediaKind, on: boolean): Promise<void> {
    this.#setWanted(kind, on);
    return this.#working.get(kind) ?? this.#work(kind, () => this.#reconcile(kind));
  }

  #work(kind: MediaKind, act: () => Promise<void>): Promise<void> {
    const work = act().finally(() => this.#working.delete(kind));
    this.#working.set(kind, work);
    return work;
  }

  /** However often somebody presses: one change at a time, until it is as wanted last. */
  async #reconcile(kind: MediaKind): Promise<void> {
    for (;;) {
      const session = this.#session;
      const on = this.#state.wanted[kind];
      if (session === null || session.isEnabled(kind) === on) return;
      if (await this.#try(kind, () => session.setEnabled(kind, on))) {
        if (session.isEnabled(kind) === on) continue;
      }
      // It did not come to be so: the wish gives way to what is.
      this.#setWanted(kind, session.isEnabled(kind));
      return;
    }
  }

  async #try(kind: MediaKind | null, act: () => Promise<unknown> | undefined): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      // A call that ended takes its unfinished work along; that it ended has been told.
      if (this.#state.ending !== null) return false;
      this.#trouble(error instanceof ProblemError ? error.problem : 'lost', kind);
      return false;
    }
  }

  #setWanted(kind: MediaKind, on: boolean): void {
    this.#set({ ...this.#state, wanted: { ...this.#state.wanted, [kind]: on } });
  }

  #handle(event: RtcEvent): void {
    if (this.#state.ending !== null) return;
    if (event.type === 'speakers') {
      this.speakers.handleLevels(event.levels);
      return;
    }
    if (event.type === 'closed') this.speakers.clear();
    this.#set(reduce(this.#state, event, this.#now()));
    if (event.type === 'members') this.#takeOver();
  }

  /** What changed without anybody's wish, such as a device that was unplugged, is the wish now. */
  #takeOver(): void {
    const self = this.#state.members.find((member) => member.local);
    for (const kind of MEDIA_KINDS) {
      const idle = !this.#working.has(kind);
      if (idle && self && self[kind] !== this.#state.wanted[kind])
        this.#setWanted(kind, self[kind]);
    }
  }

  #set(state: CallState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
