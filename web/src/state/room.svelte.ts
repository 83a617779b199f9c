import { join, roomInfo, type RoomInfo } from '../core/api';
import { Call } from '../core/call/call';
import type { CallState } from '../core/call/state';
import type { Ending } from '../core/call/types';
import type { MediaKind } from '../core/devices/kinds';
import { cleanName } from '../core/names';
import { type Problem, ProblemError } from '../core/problem';
import { createSession, preload } from '../core/rtc';
import type { App } from './app';
import { problemText } from './i18n';
import { Meeting } from './meeting.svelte';
import { PreJoin } from './prejoin.svelte';

/** How far somebody is with one room; all of it under one address. */
export type Phase = 'prejoin' | 'returning' | 'meeting' | 'left';

/** One visit to one room: from its door through the meeting and out again. */
export class RoomVisit {
  phase = $state<Phase>('prejoin');
  name = $state('');
  joining = $state(false);
  problem = $state<Problem | null>(null);
  inside = $state.raw<RoomInfo | null>(null);
  meeting = $state.raw<Meeting | null>(null);
  ending = $state<Ending>('left');
  prejoin = $state.raw<PreJoin>() as PreJoin;

  readonly room: string;
  readonly #app: App;
  #stopped = false;

  constructor(room: string, app: App) {
    this.room = room;
    this.#app = app;
    this.prejoin = new PreJoin(app.visits);
    const visit = app.visits.visit(room);
    this.name = visit.name || app.visits.name();
    if (visit.inside && this.name !== '') this.phase = 'returning';
  }

  /** Opens the door: straight back in after a reload, else with the pre-join page. */
  async start(): Promise<void> {
    preload();
    void this.#look();
    const returning = this.phase === 'returning';
    await this.prejoin.start(returning);
    if (returning && !this.#stopped) await this.join();
  }

  /** Enters the meeting with the devices that are open. Without a name it does nothing. */
  async join(): Promise<void> {
    const name = cleanName(this.name);
    if (name === '' || this.joining) return;
    this.joining = true;
    this.problem = null;
    try {
      await this.#enter(name);
      if (this.#stopped) this.#leaveBehind();
      else this.phase = 'meeting';
    } catch (error) {
      this.problem = error instanceof ProblemError ? error.problem : 'cannot-join';
      this.meeting?.stop();
      this.meeting = null;
      this.#keepVisit(false);
      await this.#backToDoor();
    } finally {
      this.joining = false;
    }
  }

  async leave(): Promise<void> {
    await this.meeting?.leave();
  }

  /** From the left page straight back in, with name and devices as they were. */
  async rejoin(): Promise<void> {
    this.phase = 'returning';
    this.prejoin = new PreJoin(this.#app.visits);
    await this.prejoin.start(true);
    await this.join();
  }

  /** The page goes elsewhere. */
  stop(): void {
    this.#stopped = true;
    this.prejoin.stop();
    this.meeting?.stop();
    if (this.phase === 'meeting') this.#leaveBehind();
  }

  /** Nobody looks at the meeting any more; without this its camera would stay on. */
  #leaveBehind(): void {
    this.#keepVisit(false);
    this.meeting?.stop();
    void this.meeting?.leave();
  }

  async #enter(name: string): Promise<void> {
    const { visits } = this.#app;
    const admission = await join(this.room, name, visits.visit(this.room).session);
    visits.keepName(name);
    visits.keepVisit(this.room, { session: admission.session, inside: true, name });
    const call = new Call((problem, kind) => this.#tell(problem, kind));
    const meeting = new Meeting(this.room, call, this.#app);
    this.meeting = meeting;
    const unsubscribe = call.subscribe((state) => this.#handle(state, unsubscribe));
    const tracks = await this.prejoin.take();
    await call.enter(createSession, admission.token, tracks, $state.snapshot(this.prejoin.choices));
    const { ending } = call.state;
    if (ending !== null) throw new ProblemError(ending === 'left' ? 'lost' : ending);
  }

  async #backToDoor(): Promise<void> {
    if (this.#stopped) return;
    this.phase = 'prejoin';
    this.prejoin.stop();
    this.prejoin = new PreJoin(this.#app.visits);
    await this.prejoin.start();
  }

  #handle(state: CallState, unsubscribe: () => void): void {
    if (state.ending === null) return;
    unsubscribe();
    this.meeting?.stop();
    this.#keepVisit(false);
    this.#app.announcer.interrupt('');
    // An end while still entering is told by the failed entering.
    if (this.phase !== 'meeting') return;
    this.ending = state.ending;
    this.phase = 'left';
    this.meeting = null;
  }

  #keepVisit(inside: boolean): void {
    const { visits } = this.#app;
    const { session } = visits.visit(this.room);
    visits.keepVisit(this.room, { session, inside, name: cleanName(this.name) });
  }

  #tell(problem: Problem, kind: MediaKind | null): void {
    const { title, means, help } = problemText(problem, kind === null ? [] : [kind]);
    this.#app.toasts.show(title, help || means);
  }

  async #look(): Promise<void> {
    try {
      this.inside = await roomInfo(this.room);
    } catch {
      // Who is inside is a courtesy; joining will say what is wrong.
    }
  }
}
