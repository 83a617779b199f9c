import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SpeakerBoard } from './speakers';

/** As much of an element as the board touches. */
function tile() {
  const style = new Map<string, string>();
  const element = {
    dataset: {} as Record<string, string>,
    style: { setProperty: (name: string, value: string) => void style.set(name, value) },
  };
  return { element: element as unknown as HTMLElement, dataset: element.dataset, style };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the speaker board', () => {
  it('marks who speaks, with the level', () => {
    const board = new SpeakerBoard();
    const anna = tile();
    board.bind('anna', anna.element);
    board.handleLevels(new Map([['anna', 0.5]]));
    expect(anna.dataset).toHaveProperty('speaking');
    expect(anna.style.get('--level')).toBe('0.50');
  });

  it('keeps the mark as long as nothing else is said', () => {
    const board = new SpeakerBoard();
    const anna = tile();
    board.bind('anna', anna.element);
    board.handleLevels(new Map([['anna', 0.5]]));
    vi.advanceTimersByTime(10_000);
    expect(anna.dataset).toHaveProperty('speaking');
  });

  it('holds the mark over a pause of up to 600 ms', () => {
    const board = new SpeakerBoard();
    const anna = tile();
    board.bind('anna', anna.element);
    board.handleLevels(new Map([['anna', 0.5]]));
    board.handleLevels(new Map());
    vi.advanceTimersByTime(599);
    board.handleLevels(new Map([['anna', 0.4]]));
    vi.advanceTimersByTime(599);
    expect(anna.dataset).toHaveProperty('speaking');
    board.handleLevels(new Map());
    vi.advanceTimersByTime(600);
    expect(anna.dataset).not.toHaveProperty('speaking');
  });

  it('marks a tile that comes while its person speaks, and forgets one that went', () => {
    const board = new SpeakerBoard();
    board.handleLevels(new Map([['anna', 0.5]]));
    const anna = tile();
    const unbind = board.bind('anna', anna.element);
    expect(anna.dataset).toHaveProperty('speaking');
    unbind();
    board.handleLevels(new Map());
    vi.advanceTimersByTime(600);
    expect(anna.dataset).toHaveProperty('speaking');
  });
});
