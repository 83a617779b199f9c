import type { MediaKind } from '../devices/kinds';
import type { ChatLine, Connection, Ending, Member, RtcEvent } from './types';

/** Older lines are let go: a chat is for the meeting, and memory is not endless. */
export const CHAT_MAX = 500;

/** Everything that is true of a call, as one value. */
export interface CallState {
  /** Oneself first, then in the order of coming. */
  members: readonly Member[];
  connection: Connection;
  /** When the connection came to be so; by the clock that is passed in, in ms. */
  connectionSince: number;
  chat: readonly ChatLine[];
  soundBlocked: boolean;
  /** Identities that share their screen, the newest last. */
  sharing: readonly string[];
  /** What the person wants of each device; it is so a moment later. */
  wanted: Readonly<Record<MediaKind, boolean>>;
  ending: Ending | null;
}

/** A call before anything happened. */
export function initialState(now: number): CallState {
  return {
    members: [],
    connection: 'connecting',
    connectionSince: now,
    chat: [],
    soundBlocked: false,
    sharing: [],
    wanted: { microphone: false, camera: false },
    ending: null,
  };
}

/** The state after an event. */
export function reduce(state: CallState, event: RtcEvent, now: number): CallState {
  switch (event.type) {
    case 'members':
      return { ...state, members: event.members, sharing: sharingOf(state.sharing, event.members) };
    case 'connection':
      if (event.connection === state.connection) return state;
      return { ...state, connection: event.connection, connectionSince: now };
    case 'chat':
      return { ...state, chat: [...state.chat, event.line].slice(-CHAT_MAX) };
    case 'sound':
      return { ...state, soundBlocked: event.blocked };
    case 'closed':
      return { ...state, ending: event.ending, members: [], sharing: [] };
    case 'speakers':
      return state;
  }
}

function sharingOf(before: readonly string[], members: readonly Member[]): string[] {
  const now = members.filter((member) => member.screenPicture !== null).map((m) => m.identity);
  const still = before.filter((identity) => now.includes(identity));
  return [...still, ...now.filter((identity) => !still.includes(identity))];
}

/** Who came and who left between two states, oneself not counted. */
export function movesBetween(
  before: CallState,
  after: CallState,
): { joined: Member[]; left: Member[] } {
  // Those who were there before us did not join; those still there at the end did not leave.
  const steady = before.members.length > 0 && after.ending === null;
  const others = (members: readonly Member[]) => members.filter((member) => !member.local);
  const without = (members: readonly Member[], gone: readonly Member[]) =>
    others(members).filter((a) => !gone.some((b) => a.identity === b.identity));
  return {
    joined: steady ? without(after.members, before.members) : [],
    left: steady ? without(before.members, after.members) : [],
  };
}
