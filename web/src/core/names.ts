/** The letters of a room code: those that nobody mistakes for another when reading aloud. */
const CODE_LETTERS = 'abcdefghjkmnopqrstuvwxyz';
const CODE_GROUPS = [3, 4, 3];
/** The server's limits for names of people and rooms: in characters, and in bytes of UTF-8. */
export const NAME_LENGTH_MAX = 64;
const ROOM_BYTES_MAX = 256;
const HUES = 8;

/** A random room code like `abc-defg-hjk`: 24^10, so that nobody finds a meeting by guessing. */
export function newRoomCode(): string {
  return CODE_GROUPS.map((length) => Array.from({ length }, randomLetter).join('')).join('-');
}

function randomLetter(): string {
  // Bytes beyond the last full round of the alphabet would make its first letters likelier.
  const limit = 256 - (256 % CODE_LETTERS.length);
  const byte = new Uint8Array(1);
  do crypto.getRandomValues(byte);
  while ((byte[0] ?? 0) >= limit);
  return CODE_LETTERS.charAt((byte[0] ?? 0) % CODE_LETTERS.length);
}

/**
 * The room that was typed or pasted: a name, or the link of a meeting. Null when there is none in it.
 */
export function roomFromInput(input: string): string | null {
  const text = input.trim();
  const inLink = /(?:^|\/)m\/([^/?#]+)/.exec(text);
  if (inLink?.[1] !== undefined) return roomFromPath(inLink[1]);
  return isRoom(text) ? text : null;
}

/** The room named by a path segment, percent-encoded as the address bar has it. */
export function roomFromPath(segment: string): string | null {
  try {
    const room = decodeURIComponent(segment);
    return isRoom(room) ? room : null;
  } catch {
    return null;
  }
}

/** As the server sees it, so that nobody is sent to a page that can't work. */
function isRoom(text: string): boolean {
  // Control characters and slashes cannot be told from the rest of an address.
  if (/[\p{Cc}/\\?#]/u.test(text) || text.trim() !== text) return false;
  if (text === '' || text === '.' || text === '..') return false;
  const bytes = new TextEncoder().encode(text).length;
  return [...text].length <= NAME_LENGTH_MAX && bytes <= ROOM_BYTES_MAX;
}

/** The path of a room's page. */
export function roomPath(room: string): string {
  return `/m/${encodeURIComponent(room)}`;
}

/** A person's name as it is sent: inner white space made single, the ends cut. */
export function cleanName(name: string): string {
  return name.replace(/[\s\p{Cc}]+/gu, ' ').trim();
}

/** The first letters of the first and the last word: two at most. */
export function initials(name: string): string {
  const words = cleanName(name).split(' ').filter(Boolean);
  const first = words[0];
  if (first === undefined) return '?';
  const last = words.length > 1 ? words[words.length - 1] : undefined;
  return (firstGrapheme(first) + (last === undefined ? '' : firstGrapheme(last))).toUpperCase();
}

function firstGrapheme(word: string): string {
  const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(word);
  return segments[Symbol.iterator]().next().value?.segment ?? '';
}

/** Which of the avatar colours (0 to 7) an identity has: the same on every screen. */
export function hueOf(identity: string): number {
  let hash = 0;
  for (let i = 0; i < identity.length; i++) hash = (hash * 31 + identity.charCodeAt(i)) >>> 0;
  return hash % HUES;
}
