import { expect, it } from 'vitest';
import { choose, fill } from './i18n';

it('fills every place of a text, and leaves those without a value', () => {
  expect(fill('{a} and {b}, {a}', { a: 1 })).toBe('1 and {b}, 1');
});

it('takes a value for no pattern', () => {
  expect(fill('{a}', { a: '$& {a}' })).toBe('$& {a}');
});

it('speaks the first language that it can', () => {
  expect(choose(['fr-FR', 'de-AT', 'en'], ['en', 'de'], 'en')).toBe('de');
  expect(choose(['fr'], ['en', 'de'], 'en')).toBe('en');
});
