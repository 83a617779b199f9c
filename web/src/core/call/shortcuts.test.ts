import { describe, expect, it } from 'vitest';
import { actionOf, type KeyPress } from './shortcuts';

function press(key: string, more: Partial<KeyPress> = {}): KeyPress {
  const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, repeat: false };
  return { key, ...none, ...more };
}

describe('shortcuts', () => {
  it.each([
    ['m', 'microphone'],
    ['V', 'camera'],
    ['s', 'share'],
    ['c', 'chat'],
    ['p', 'people'],
    ['x', null],
  ])('%s on the page is %s', (key, action) => {
    expect(actionOf(press(key), 'page')).toBe(action);
  });

  it('single letters are dead in text fields, with modifiers, and while held', () => {
    expect(actionOf(press('m'), 'text')).toBeNull();
    expect(actionOf(press('m', { altKey: true }), 'page')).toBeNull();
    expect(actionOf(press('m', { shiftKey: true }), 'page')).toBeNull();
    expect(actionOf(press('m', { ctrlKey: true }), 'page')).toBeNull();
    expect(actionOf(press('m', { repeat: true }), 'page')).toBeNull();
  });

  it('the shortcuts with Control or Command work in text fields too', () => {
    expect(actionOf(press('d', { ctrlKey: true }), 'text')).toBe('microphone');
    expect(actionOf(press('e', { metaKey: true }), 'text')).toBe('camera');
  });

  it('Space talks, but presses a control that has the focus', () => {
    expect(actionOf(press(' '), 'page')).toBe('talk');
    expect(actionOf(press(' '), 'control')).toBeNull();
    expect(actionOf(press(' '), 'text')).toBeNull();
  });
});
