import type { Call } from '../core/call/call';
import { type Action, actionOf, focusOf } from '../core/call/shortcuts';
import { type CallState, movesBetween } from '../core/call/state';
import type { Member, PictureSource } from '../core/call/types';
import { type Device, listDevices, type MediaKind, onDeviceChange } from '../core/devices/kinds';
import type { Visits } from '../core/visit';
import type { Announcer } from './announcer.svelte';
import { t } from './i18n';
import type { Toasts } from './toasts.svelte';

/** What stands beside the stage. */
export type Panel = 'chat' | 'people';

/** A running call as components see it, and what they may do with it. */
export class Meeting {
  state = $state.raw<CallState>() as CallState;
  panel = $state<Panel | null>(null);
  unread = $state(0);
  devices = $state.raw<Record<MediaKind, Device[]>>({ microphone: [], camera: [] });
  chosen = $state<Record<MediaKind, string | null>>({ microphone: null, camera: null });

  readonly room: string;
  readonly #call: Call;
  readonly #visits: Visits;
  readonly #toasts: Toasts;
  readonly #announcer: Announcer;
  readonly #stops: (() => void)[] = [];

  constructor(
    room: string,
    call: Call,
    app: { visits: Visits; toasts: Toasts; announcer: Announcer },
  ) {
    this.room = room;
    this.#call = call;
    this.#visits = app.visits;
    this.#toasts = app.toasts;
    this.#announcer = app.announcer;
    this.state = call.state;
    const choices = app.visits.devices();
    this.chosen = { microphone: choices.microphone.id, camera: choices.camera.id };
    this.#stops.push(call.subscribe((state) => this.#handle(state)));
    this.#stops.push(onDeviceChange(() => void this.#list()));
    void this.#list();
  }

  /** Oneself. */
  get self(): Member | undefined {
    return this.state.members.find((member) => member.local);
  }

  /** Who shares the screen that is on stage: the newest. */
  get presenter(): Member | undefined {
    const identity = this.state.sharing.at(-1);
    return this.state.members.find((member) => member.identity === identity);
  }

  /** Whether a device is on, as others see it. */
  isOn(kind: MediaKind): boolean {
    return this.self?.[kind] ?? false;
  }

  /** The device that is in use, or would be; empty when that is the browser's choice. */
  deviceOf(kind: MediaKind): string {
    const there = (id: string | null) => this.devices[kind].some((device) => device.id === id);
    const chosen = this.chosen[kind];
    // A new list of members is made whenever a device is turned on.
    const used = this.self === undefined ? null : this.#call.deviceOf(kind);
    return [chosen, used].find((id) => id !== null && there(id)) ?? '';
  }

  toggle(kind: MediaKind): void {
    this.#want(kind, !this.state.wanted[kind]);
  }

  toggleShare(): void {
    void this.#call.share(this.self?.screenPicture === null);
  }

  togglePanel(panel: Panel): void {
    this.panel = this.panel === panel ? null : panel;
    if (this.panel === 'chat') this.unread = 0;
  }

  async useDevice(kind: MediaKind, id: string): Promise<void> {
    this.chosen[kind] = id;
    await this.#call.useDevice(kind, id);
    this.#keepDevices();
  }

  say(text: string): Promise<boolean> {
    return this.#call.say(text);
  }

  startSound(): void {
    void this.#call.startSound();
  }

  leave(): Promise<void> {
    return this.#call.leave();
  }

  /** Shows a picture in an element until the returned function is called. */
  show(identity: string, source: PictureSource, element: HTMLVideoElement): () => void {
    return this.#call.show(identity, source, element);
  }

  /** Shows on an element who speaks, without any component knowing. */
  showSpeaking(identity: string, element: HTMLElement): () => void {
    return this.#call.speakers.bind(identity, element);
  }

  handleKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.panel !== null) {
      this.panel = null;
      return;
    }
    const action = actionOf(event, focusOf(document.activeElement));
    if (action === null) return;
    event.preventDefault();
    this.#act(action);
  }

  handleKeyUp(event: KeyboardEvent): void {
    if (event.key === ' ') this.#call.talk(false);
  }

  /** The key may be let go where this page doesn't see it. */
  handleBlur(): void {
    this.#call.talk(false);
  }

  /** Stops listening; the call itself is left by `leave`. */
  stop(): void {
    for (const stop of this.#stops) stop();
  }

  #act(action: Action): void {
    switch (action) {
      case 'microphone':
      case 'camera':
        return this.toggle(action);
      case 'share':
        return this.toggleShare();
      case 'chat':
      case 'people':
        return this.togglePanel(action);
      case 'talk':
        return this.#call.talk(true);
    }
  }

  #want(kind: MediaKind, on: boolean): void {
    void this.#call.want(kind, on).then(() => {
      this.#keepDevices();
      void this.#list();
    });
  }

  #keepDevices(): void {
    const { wanted } = this.state;
    this.#visits.keepDevices({
      microphone: { on: wanted.microphone, id: this.chosen.microphone },
      camera: { on: wanted.camera, id: this.chosen.camera },
    });
  }

  async #list(): Promise<void> {
    this.devices = await listDevices();
  }

  #handle(state: CallState): void {
    const before = this.state;
    this.state = state;
    const { joined, left } = movesBetween(before, state);
    this.#announcer.moved('joined', joined.map(nameOf));
    this.#announcer.moved('left', left.map(nameOf));
    this.#handleChat(before, state);
    this.#handleSharing(before, state);
    if (before.connection !== state.connection) this.#handleConnection(before, state);
  }

  #handleChat(before: CallState, after: CallState): void {
    const line = after.chat.at(-1);
    if (line === undefined || line === before.chat.at(-1) || line.local) return;
    this.#announcer.say(t('chat.spoken', { name: line.name, text: line.text }));
    if (this.panel !== 'chat') this.unread += 1;
  }

  #handleSharing(before: CallState, after: CallState): void {
    const name = (identity: string, state: CallState) =>
      state.members.find((member) => member.identity === identity)?.name ?? identity;
    for (const one of after.sharing.filter((identity) => !before.sharing.includes(identity))) {
      this.#announcer.say(t('spoken.shares', { name: name(one, after) }));
    }
    for (const one of before.sharing.filter((identity) => !after.sharing.includes(identity))) {
      if (after.ending === null) {
        this.#announcer.say(t('spoken.unshares', { name: name(one, before) }));
      }
    }
  }

  #handleConnection(before: CallState, after: CallState): void {
    const down = after.connection === 'reconnecting';
    this.#announcer.interrupt(down ? t('state.reconnecting.spoken') : '');
    if (before.connection === 'reconnecting' && after.connection === 'connected') {
      this.#toasts.show(t('state.back'));
    }
  }
}

function nameOf(member: Member): string {
  return member.name;
}
