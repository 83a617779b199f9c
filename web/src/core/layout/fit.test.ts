import { expect, it } from 'vitest';
import { fitOf } from './fit';

it('a picture covers its tile while little is cut', () => {
  expect(fitOf(16 / 9, 4 / 3)).toBe('cover');
  expect(fitOf(4 / 3, 16 / 9)).toBe('cover');
});

it('a phone held upright is shown whole in a wide tile', () => {
  expect(fitOf(9 / 16, 16 / 9)).toBe('contain');
});

it('a picture whose size is not known yet covers', () => {
  expect(fitOf(NaN, 1)).toBe('cover');
  expect(fitOf(1, 0)).toBe('cover');
});
