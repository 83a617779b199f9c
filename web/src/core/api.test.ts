import { afterEach, describe, expect, it, vi } from 'vitest';
import { join, roomInfo } from './api';
import { ProblemError } from './problem';

function answer(status: number, body: unknown): void {
  vi.stubGlobal(
    'fetch',
    vi.fn(() => Promise.resolve(Response.json(body, { status }))),
  );
}

async function problem(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof ProblemError ? error.problem : String(error);
}

afterEach(() => vi.unstubAllGlobals());

describe('joining', () => {
  const admission = { token: 't', identity: 'p', session: 's', room: 'a b' };

  it('sends the name, and the session only when there is one', async () => {
    answer(200, admission);
    expect(await join('a b', 'Anna', null)).toEqual(admission);
    await join('a b', 'Anna', 's');
    const bodies = vi.mocked(fetch).mock.calls.map(([url, init]) => [url, init?.body]);
    expect(bodies).toEqual([
      ['/api/rooms/a%20b/join', '{"name":"Anna"}'],
      ['/api/rooms/a%20b/join', '{"name":"Anna","session":"s"}'],
    ]);
  });

  it.each([
    ['full', 'full'],
    ['invalid-name', 'invalid-name'],
    ['invalid-room', 'invalid-room'],
    ['not-found', 'not-found'],
    ['busy', 'busy-server'],
    ['something-new', 'cannot-join'],
  ])('tells the code %s as %s', async (code, expected) => {
    answer(409, { code, message: '' });
    expect(await problem(join('a', 'Anna', null))).toBe(expected);
  });

  it('tells a proxy that found no server from a server that refused', async () => {
    answer(502, '<html>');
    expect(await problem(join('a', 'Anna', null))).toBe('network');
    answer(500, null);
    expect(await problem(join('a', 'Anna', null))).toBe('cannot-join');
  });

  it('says that nothing answered', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('failed')));
    expect(await problem(join('a', 'Anna', null))).toBe('network');
  });

  it('takes no half answer', async () => {
    answer(200, { token: 't' });
    expect(await problem(join('a', 'Anna', null))).toBe('cannot-join');
  });
});

it('who is inside is a list of names or a problem', async () => {
  answer(200, { exists: true, participants: ['Anna'], full: false });
  expect((await roomInfo('a')).participants).toEqual(['Anna']);
  answer(200, { exists: true, participants: [5], full: false });
  expect(await problem(roomInfo('a'))).toBe('network');
});
