import { expect, it } from 'vitest';
import { segments } from './links';

it('finds addresses inside text', () => {
  expect(segments('see https://a.org/b?c=d and http://e.org')).toEqual([
    { text: 'see ' },
    { text: 'https://a.org/b?c=d', href: 'https://a.org/b?c=d' },
    { text: ' and ' },
    { text: 'http://e.org', href: 'http://e.org/' },
  ]);
});

it('leaves the end of the sentence to the sentence', () => {
  expect(segments('(https://a.org/b).')[1]).toEqual({
    text: 'https://a.org/b',
    href: 'https://a.org/b',
  });
  expect(segments('https://a.org/Set_(game)!')[0]?.text).toBe('https://a.org/Set_(game)');
});

it('makes no link of anything but http and https', () => {
  const text = 'javascript:alert(1) data:text/html,x ftp://a.org file:///etc/passwd';
  expect(segments(text)).toEqual([{ text }]);
});

it('keeps markup as text', () => {
  expect(segments('<b>bold</b>')).toEqual([{ text: '<b>bold</b>' }]);
  expect(segments('https://a.org/"onclick=x')[0]?.href).toBe('https://a.org/');
});

it('loses no character', () => {
  const text = 'a https://b.org, c http:// d https://[ e';
  expect(
    segments(text)
      .map((segment) => segment.text)
      .join(''),
  ).toBe(text);
});
