import { describe, expect, it } from 'vitest';
import { gridOf, pageSize } from './grid';

type Row = [counts: number[], shape: string, tile: string];

function shapes(width: number, height: number, rows: Row[]): void {
  for (const [counts, shape, tile] of rows) {
    it.each(counts)(`%i in ${width}x${height} is ${shape} of ${tile}`, (count) => {
      const grid = gridOf(count, width, height);
      expect(`${grid.columns}x${grid.rows}`).toBe(shape);
      expect(`${grid.tileWidth}x${grid.tileHeight}`).toBe(tile);
    });
  }
}

describe('the golden table of the grid', () => {
  shapes(1264, 632, [
    [[1], '1x1', '1123x632'],
    [[2], '2x1', '628x471'],
    [[3, 4], '2x2', '554x312'],
    [[5, 6], '3x2', '416x312'],
    [[7, 8, 9], '3x3', '365x205'],
    [[10, 11, 12], '4x3', '310x205'],
    [[13, 14, 15, 16], '4x4', '270x152'],
    [[17, 18, 19, 20], '5x4', '246x152'],
    [[21, 22, 23, 24], '6x4', '204x152'],
    [[25], '5x5', '213x120'],
  ]);
  shapes(382, 548, [
    [[2], '1x2', '382x272'],
    [[3], '1x3', '320x180'],
    [[4], '2x2', '189x252'],
    [[5, 6], '2x3', '189x180'],
    [[7, 8], '2x4', '189x134'],
  ]);
  shapes(836, 382, [[[5, 6], '3x2', '276x189']]);
});

describe('the page', () => {
  it('holds 25 tiles where they fit', () => {
    expect(pageSize(1264, 632)).toBe(25);
  });

  it('holds fewer tiles where they would be too small to see a face', () => {
    const count = pageSize(700, 600);
    expect(gridOf(count, 700, 600).tileWidth).toBeGreaterThanOrEqual(160);
    expect(gridOf(count + 1, 700, 600).tileWidth).toBeLessThan(160);
  });

  it('holds 8 tiles on a phone held upright and 6 on its side', () => {
    expect(pageSize(382, 548)).toBe(8);
    expect(pageSize(836, 382)).toBe(6);
  });

  it('survives an area that has no size yet', () => {
    expect(pageSize(0, 0)).toBeGreaterThan(0);
    expect(gridOf(3, 0, 0).tileWidth).toBe(0);
  });
});
