/** How many tiles stand where, and how large they are, in CSS px. */
export interface Grid {
  columns: number;
  rows: number;
  tileWidth: number;
  tileHeight: number;
  gap: number;
}

const WIDEST = 16 / 9;
const NARROWEST = 4 / 3;
const NARROWEST_UPRIGHT = 3 / 4;
/** An area whose shorter side is below this is a phone's. */
const PHONE_BELOW = 480;
const GAP = 8;
const GAP_PHONE = 4;
/** Candidates within this part of the largest area are equally large to the eye. */
const AS_GOOD = 0.9;
const PAGE_MAX = 25;
const PAGE_PHONE_UPRIGHT = 8;
const PAGE_PHONE_SIDE = 6;
/** A face needs this width. */
const TILE_WIDTH_MIN = 160;

interface Candidate {
  columns: number;
  rows: number;
  width: number;
  height: number;
}

/**
 * The grid for `count` tiles in an area: for each number of columns the largest tile whose aspect is
 * allowed; of those nearly as large as the largest the one nearest to 16:9, then with fewest holes.
 */
export function gridOf(count: number, width: number, height: number): Grid {
  const gap = isPhone(width, height) ? GAP_PHONE : GAP;
  const all = Array.from({ length: Math.max(count, 1) }, (_, i) =>
    candidate(i + 1, Math.max(count, 1), width, height, gap),
  );
  const largest = Math.max(...all.map(area));
  const good = all.filter((one) => area(one) >= largest * AS_GOOD);
  const best = good.reduce((a, b) => (better(b, a, count) ? b : a));
  return {
    columns: best.columns,
    rows: best.rows,
    tileWidth: Math.floor(best.width),
    tileHeight: Math.floor(best.height),
    gap,
  };
}

/** How many tiles a page of this area holds. */
export function pageSize(width: number, height: number): number {
  if (isPhone(width, height)) return height > width ? PAGE_PHONE_UPRIGHT : PAGE_PHONE_SIDE;
  for (let count = PAGE_MAX; count > 1; count--) {
    if (gridOf(count, width, height).tileWidth >= TILE_WIDTH_MIN) return count;
  }
  return 1;
}

function isPhone(width: number, height: number): boolean {
  return Math.min(width, height) < PHONE_BELOW;
}

function candidate(
  columns: number,
  count: number,
  areaWidth: number,
  areaHeight: number,
  gap: number,
): Candidate {
  const rows = Math.ceil(count / columns);
  const cellWidth = Math.max(0, (areaWidth - gap * (columns - 1)) / columns);
  const cellHeight = Math.max(0, (areaHeight - gap * (rows - 1)) / rows);
  const upright = isPhone(areaWidth, areaHeight) && areaHeight > areaWidth;
  const narrowest = upright ? NARROWEST_UPRIGHT : NARROWEST;
  return {
    columns,
    rows,
    width: Math.min(cellWidth, cellHeight * WIDEST),
    height: Math.min(cellHeight, cellWidth / narrowest),
  };
}

function area(one: Candidate): number {
  return one.width * one.height;
}

function better(a: Candidate, b: Candidate, count: number): boolean {
  const offA = Math.abs(WIDEST - a.width / a.height);
  const offB = Math.abs(WIDEST - b.width / b.height);
  // Two tiles of the same aspect differ by rounding only.
  if (Math.abs(offA - offB) > 1e-6) return offA < offB;
  return a.columns * a.rows - count < b.columns * b.rows - count;
}
