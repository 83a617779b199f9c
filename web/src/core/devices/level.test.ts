import { expect, it } from 'vitest';
import { loudness } from './level';

it('silence is nothing, loud speech is all, and more is not more', () => {
  expect(loudness(new Float32Array(64))).toBe(0);
  expect(loudness(new Float32Array(64).fill(0.05))).toBeCloseTo(0.3);
  expect(loudness(new Float32Array(64).fill(0.9))).toBe(1);
});
