// What all drivers have in common. An actor is one SDK in one process (or one
// browser page); it plays any number of sessions, each a participant of a room.
//
// Verbs: connect {url, token, single, autoSubscribe}, disconnect, state,
// publish {kind, person, source}, unpublish {sid}, mute {sid, muted},
// subscribe {sid, subscribed}, sendData {text, reliable, to, topic},
// sendText {text, to}, sendBytes {size, to}, rpc {to, method, payload},
// update {metadata, name, attributes}, simulate {scenario}.
//
// Events: participant_joined/left, track_published/unpublished/subscribed/
// unsubscribed/muted/unmuted, data, text, bytes, metadata_changed, name_changed,
// attributes_changed, speakers, reconnecting, reconnected, disconnected, and the
// two reports of what was decoded, about ten a second:
// video {identity, source, person, number, frames, width, height} and
// audio {identity, source, hz, level}.

import { createInterface } from 'node:readline';
import { end, start } from './children.mjs';
import { personOfTone, toneOf } from './pattern.mjs';

/** How long an event may take before a test fails; far above what a healthy server needs. */
export const PATIENCE_MS = 10_000;
/** Events kept per session; reports are 40 a second with two tracks, so this is minutes. */
const MAX_EVENTS = 20_000;

export const LEVEL_OF_SILENCE = 0.01;

function matches(event, wanted) {
  return typeof wanted === 'function'
    ? wanted(event)
    : Object.entries(wanted).every(([key, value]) => event[key] === value);
}

/** Fails with `what` when `promise` takes longer than `ms`. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One participant as a test sees it: verbs to call, events to await. */
export class Session {
  constructor(actor, name, identity) {
    Object.assign(this, { actor, name, identity, events: [], waiters: new Set() });
  }

  call(verb, fields = {}) {
    return within(2 * PATIENCE_MS, `${this.name} ${verb}`, this.actor.request(verb, this.name, fields));
  }

  /** Takes an event from the actor; `time` (Unix, ms) says when it happened, if not now. */
  handle({ time, ...event }) {
    if (this.events.length >= MAX_EVENTS) this.events.splice(0, MAX_EVENTS / 2);
    const at = performance.now() - (time ? Math.max(0, Date.now() - time) : 0);
    this.events.push({ ...event, at });
    for (const waiter of this.waiters) waiter();
  }

  /** Resolves with the first truthy value of `look`, tried now and after every event. */
  until(look, what, ms = PATIENCE_MS) {
    let waiter;
    const found = new Promise((resolve, reject) => {
      waiter = async () => {
        try {
          const value = await look();
          if (value) resolve(value);
        } catch (error) {
          reject(error);
        }
      };
      this.waiters.add(waiter);
      waiter();
    });
    return within(ms, `${this.name} (${this.actor.sdk}) sees ${what}`, found)
      .finally(() => this.waiters.delete(waiter));
  }

  /** The first event of that name and with those fields since `since` (default: since the start). */
  event(name, wanted = {}, { since = 0, ms = PATIENCE_MS } = {}) {
    const look = () => this.events.find((event) =>
      event.at >= since && event.event === name && matches(event, wanted));
    return this.until(look, `${name} ${typeof wanted === 'function' ? wanted : JSON.stringify(wanted)}`, ms);
  }

  /** Events of that name, newest last. */
  seen(name, wanted = {}, since = 0) {
    return this.events.filter((event) =>
      event.at >= since && event.event === name && matches(event, wanted));
  }

  /** The remote participant once `check` holds for it. */
  async participant(identity, check = () => true, what = `participant ${identity}`) {
    return this.until(async () => {
      const { participants } = await this.call('state');
      const found = participants.find((participant) => participant.identity === identity);
      return found && check(found) ? found : null;
    }, what);
  }

  /** The published track of a remote participant, once it is announced. */
  async trackOf(identity, source) {
    const of = ({ tracks }) => tracks.find((track) => track.source === source);
    return of(await this.participant(identity, of, `${source} of ${identity}`));
  }

  /** The last of `count` pictures of the right person with rising numbers that were decoded after `since`. */
  picture(identity, person, { source = 'camera', since = performance.now(), count = 4, ms } = {}) {
    return this.until(() => {
      const seen = this.seen('video', { identity, source }, since).filter((event) => event.number !== null);
      const wrong = seen.find((event) => event.person !== person);
      if (wrong) throw new Error(`${this.name} sees person ${wrong.person} instead of ${person} from ${identity}`);
      return risingTail(seen.map((event) => event.number)) >= count && seen.at(-1);
    }, `the moving ${source} of ${identity}`, ms);
  }

  /** The last of `count` reports in a row after `since` that heard the person's tone. */
  tone(identity, person, { source = 'microphone', since = performance.now(), count = 3, ms } = {}) {
    return this.until(() => {
      const seen = this.seen('audio', { identity, source }, since);
      const other = seen.find(({ hz }) => hz && personOfTone(hz) !== person);
      if (other) throw new Error(`${this.name} hears ${other.hz} Hz instead of ${toneOf(person)} from ${identity}`);
      return seen.length >= count && seen.slice(-count).every(({ hz }) => hz) && seen.at(-1);
    }, `the tone of ${identity}`, ms);
  }

  /** The first report after `since` that `identity` is silent. */
  silence(identity, { source = 'microphone', since = performance.now(), ms } = {}) {
    const look = () => this.seen('audio', { identity, source }, since).find(({ level }) => level < LEVEL_OF_SILENCE);
    return this.until(look, `silence from ${identity}`, ms);
  }

  /** The longest time in ms without a decoded picture of `identity` between two moments. */
  longestGap(kind, identity, from, to = performance.now()) {
    const good = kind === 'video' ? (event) => event.number !== null : (event) => event.hz > 0;
    const times = this.seen(kind, { identity }, from).filter(good).map((event) => event.at);
    return [...times, to].reduce(
      ({ gap, last }, at) => ({ gap: Math.max(gap, at - last), last: at }),
      { gap: 0, last: from },
    ).gap;
  }
}

/** How many numbers at the end rise, each above the one before (16 bits, so the wrap is rising too). */
export function risingTail(numbers) {
  let count = numbers.length ? 1 : 0;
  while (count < numbers.length) {
    const step = (numbers.at(-count) - numbers.at(-count - 1)) & 0xffff;
    if (step === 0 || step > 0x7fff) break;
    count += 1;
  }
  return count;
}

/** Sessions by name and the way of events to them; a driver adds `request` and `stop`. */
export class Actor {
  constructor(sdk) {
    this.sdk = sdk;
    this.sessions = new Map();
  }

  /** Connects a new participant. `options`: url, token, single, autoSubscribe. */
  async join(name, identity, options) {
    const session = new Session(this, name, identity);
    this.sessions.set(name, session);
    const { sid, participants, room } = await session.call('connect', options);
    return Object.assign(session, { sid, participants, room });
  }

  handle(event) {
    this.sessions.get(event.session)?.handle(event);
  }
}

/** A driver in a process of its own. */
export class ProcessActor extends Actor {
  constructor(sdk, command, args) {
    super(sdk);
    this.pending = new Map();
    this.next = 1;
    this.child = start(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.stderr = '';
    this.child.stderr.on('data', (text) => { this.stderr = (this.stderr + text).slice(-4000); });
    this.child.ended.then((code) => this.fail(new Error(`${sdk} driver ended (${code}): ${this.stderr}`)));
    this.child.on('error', (error) => this.fail(error));
    createInterface({ input: this.child.stdout }).on('line', (line) => this.take(line));
  }

  fail(error) {
    this.dead = error;
    this.pending.forEach(({ reject }) => reject(error));
    this.pending.clear();
  }

  take(line) {
    // The SDKs log to stdout as well, some of them in JSON.
    if (!line.startsWith('{')) return;
    const message = JSON.parse(line);
    if (message.event) this.handle(message);
    const answered = this.pending.get(message.id);
    if (!answered) return;
    this.pending.delete(message.id);
    if ('error' in message) answered.reject(new Error(message.error));
    else answered.resolve(message.value);
  }

  request(verb, session, fields) {
    if (this.dead) return Promise.reject(this.dead);
    const id = this.next;
    this.next += 1;
    const answer = new Promise((resolve, reject) => { this.pending.set(id, { resolve, reject }); });
    this.child.stdin.write(`${JSON.stringify({ id, verb, session, ...fields })}\n`);
    return answer;
  }

  /** Ends the process with all its sessions. */
  async stop() {
    await end(this.child, { signal: 'SIGKILL' });
  }
}
