import { type Problem, ProblemError } from './problem';

/** What the server gives to somebody who may enter. */
export interface Admission {
  /** The access token for the signal connection. */
  token: string;
  identity: string;
  /** Signed; whoever shows it again gets the same identity. */
  session: string;
  room: string;
}

/** Who is inside, as far as somebody before the door may know. */
export interface RoomInfo {
  exists: boolean;
  participants: string[];
  full: boolean;
}

/** The server answers within this time or never: it has no slow work to do here. In ms. */
const ANSWER_WITHIN = 10_000;
const PROBLEM_OF_CODE: Readonly<Record<string, Problem>> = {
  'invalid-name': 'invalid-name',
  'invalid-room': 'invalid-room',
  full: 'full',
  'not-found': 'not-found',
  busy: 'busy-server',
  network: 'network',
};

/**
 * Asks for a place in a room. Give the `session` of an earlier admission to keep its identity.
 * @throws ProblemError
 */
export async function join(room: string, name: string, session: string | null): Promise<Admission> {
  const body = session === null ? { name } : { name, session };
  const answer = await ask(`${roomUrl(room)}/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (isAdmission(answer)) return answer;
  throw new ProblemError('cannot-join');
}

/** Asks who is inside. @throws ProblemError */
export async function roomInfo(room: string): Promise<RoomInfo> {
  const answer = await ask(roomUrl(room), {});
  if (isRoomInfo(answer)) return answer;
  throw new ProblemError('network');
}

function roomUrl(room: string): string {
  return `/api/rooms/${encodeURIComponent(room)}`;
}

async function ask(url: string, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWER_WITHIN) });
  } catch (cause) {
    throw new ProblemError('network', cause);
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok) return body;
  throw new ProblemError(problemOf(response.status, body));
}

function problemOf(status: number, body: unknown): Problem {
  const code = isRecord(body) && typeof body['code'] === 'string' ? body['code'] : '';
  const known = PROBLEM_OF_CODE[code];
  if (known !== undefined) return known;
  // Without our own words it was a proxy that answered, and 502 to 504 say it found no server.
  return status >= 502 && status <= 504 ? 'network' : 'cannot-join';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isAdmission(value: unknown): value is Admission {
  return (
    isRecord(value) &&
    ['token', 'identity', 'session', 'room'].every((key) => typeof value[key] === 'string')
  );
}

function isRoomInfo(value: unknown): value is RoomInfo {
  return (
    isRecord(value) &&
    typeof value['exists'] === 'boolean' &&
    typeof value['full'] === 'boolean' &&
    Array.isArray(value['participants']) &&
    value['participants'].every((name) => typeof name === 'string')
  );
}
