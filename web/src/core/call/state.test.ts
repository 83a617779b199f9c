import { describe, expect, it } from 'vitest';
import { CHAT_MAX, initialState, movesBetween, reduce } from './state';
import type { ChatLine, Member } from './types';

function member(identity: string, more: Partial<Member> = {}): Member {
  return {
    identity,
    name: identity.toUpperCase(),
    local: false,
    microphone: true,
    camera: true,
    cameraPicture: null,
    screenPicture: null,
    ...more,
  };
}

const self = member('me', { local: true });
const screen = { screenPicture: { key: 's' } };

function withMembers(...members: Member[]) {
  return reduce(initialState(0), { type: 'members', members }, 0);
}

function line(id: number): ChatLine {
  return { id: `${id}`, identity: 'a', name: 'A', local: false, text: 'x', at: 0 };
}

describe('the state of a call', () => {
  it('puts the newest of several shared screens last, whatever the order of the members', () => {
    let state = withMembers(self, member('a'), member('b', screen));
    state = reduce(
      state,
      { type: 'members', members: [self, member('a', screen), member('b', screen)] },
      0,
    );
    expect(state.sharing).toEqual(['b', 'a']);
    state = reduce(state, { type: 'members', members: [self, member('b', screen)] }, 0);
    expect(state.sharing).toEqual(['b']);
  });

  it('counts a state of the connection from when it began', () => {
    const down = { type: 'connection', connection: 'reconnecting' } as const;
    let state = reduce(initialState(0), down, 100);
    state = reduce(state, down, 900);
    expect(state.connectionSince).toBe(100);
  });

  it('lets go of the oldest lines of a long chat', () => {
    let state = initialState(0);
    for (let i = 0; i <= CHAT_MAX; i++) state = reduce(state, { type: 'chat', line: line(i) }, 0);
    expect(state.chat).toHaveLength(CHAT_MAX);
    expect(state.chat[0]?.id).toBe('1');
  });

  it('is empty when the call is over', () => {
    const state = reduce(withMembers(self), { type: 'closed', ending: 'removed' }, 0);
    expect(state).toMatchObject({ members: [], ending: 'removed' });
  });
});

describe('who came and who left', () => {
  it('is told of others only', () => {
    const moves = movesBetween(withMembers(self, member('a')), withMembers(self, member('b')));
    expect(moves.joined.map((one) => one.identity)).toEqual(['b']);
    expect(moves.left.map((one) => one.identity)).toEqual(['a']);
  });

  it('is not told of those who were there before us', () => {
    expect(movesBetween(initialState(0), withMembers(self, member('a'))).joined).toEqual([]);
  });

  it('is not told of all when the call ends', () => {
    const before = withMembers(self, member('a'));
    const after = reduce(before, { type: 'closed', ending: 'left' }, 0);
    expect(movesBetween(before, after).left).toEqual([]);
  });
});
