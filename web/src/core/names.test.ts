import { describe, expect, it } from 'vitest';
import {
  cleanName,
  hueOf,
  initials,
  newRoomCode,
  roomFromInput,
  roomFromPath,
  roomPath,
} from './names';

describe('a room code', () => {
  it('has three groups of letters that nobody mistakes', () => {
    for (let i = 0; i < 200; i++) {
      expect(newRoomCode()).toMatch(/^[a-hjkm-z]{3}-[a-hjkm-z]{4}-[a-hjkm-z]{3}$/u);
    }
  });

  it('uses every letter', () => {
    const seen = new Set(Array.from({ length: 200 }, newRoomCode).join('').replaceAll('-', ''));
    expect(seen.size).toBe(24);
  });
});

describe('what is typed into the field', () => {
  it('may be a name', () => {
    expect(roomFromInput(' team monday ')).toBe('team monday');
  });

  it('may be a link, with or without its scheme', () => {
    expect(roomFromInput('https://meet.example.org/m/abc-defg-hjk#secret')).toBe('abc-defg-hjk');
    expect(roomFromInput('meet.example.org/m/caf%C3%A9?x=1')).toBe('café');
  });

  it('is refused when it can be neither', () => {
    for (const text of ['', '   ', 'https://example.org/', 'a/b', '..', 'x'.repeat(65)]) {
      expect(roomFromInput(text)).toBeNull();
    }
  });
});

it('a room survives the way through its path', () => {
  for (const room of ['abc-defg-hjk', 'café', 'a b%2F']) {
    expect(roomFromPath(roomPath(room).slice('/m/'.length))).toBe(room);
  }
});

it('a broken path names no room', () => {
  expect(roomFromPath('%E0%A4%A')).toBeNull();
  expect(roomFromPath('a%2Fb')).toBeNull();
});

it('a name is sent without odd white space', () => {
  expect(cleanName('  Anna \n\t Berg ')).toBe('Anna Berg');
});

it('initials are those of the first and the last word, as people see letters', () => {
  expect(initials('Anna Maria Berg')).toBe('AB');
  expect(initials('cem')).toBe('C');
  expect(initials('👩‍🚀 Öz')).toBe('👩‍🚀Ö');
  expect(initials('  ')).toBe('?');
});

it('an identity has the same hue everywhere, and there are eight', () => {
  const hues = Array.from({ length: 500 }, (_, i) => hueOf(`p_${i}`));
  expect(new Set(hues)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]));
  expect(hueOf('p_1')).toBe(hueOf('p_1'));
});
