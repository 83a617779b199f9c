/** A pause between two words ends no speech. In ms. */
const HELD = 600;

/**
 * Who speaks how loud, written straight to the tiles: `data-speaking` and `--level` (0 to 1). Levels
 * change many times a second, and would otherwise drag every component along.
 */
export class SpeakerBoard {
  readonly #tiles = new Map<string, Set<HTMLElement>>();
  /** Who speaks, with the timer of those who just stopped. */
  readonly #speaking = new Map<string, ReturnType<typeof setTimeout> | null>();

  /** Shows a member's level on an element until the returned function is called. */
  bind(identity: string, element: HTMLElement): () => void {
    const tiles = this.#tiles.get(identity) ?? new Set();
    this.#tiles.set(identity, tiles.add(element));
    mark(element, this.#speaking.has(identity));
    return () => {
      tiles.delete(element);
      if (tiles.size === 0 && this.#tiles.get(identity) === tiles) this.#tiles.delete(identity);
    };
  }

  /** Takes the levels of those who speak now; everybody else is silent. */
  handleLevels(levels: ReadonlyMap<string, number>): void {
    for (const [identity, tiles] of this.#tiles) {
      const level = levels.get(identity) ?? 0;
      for (const tile of tiles) tile.style.setProperty('--level', level.toFixed(2));
    }
    for (const identity of levels.keys()) {
      this.#keepSpeaking(identity);
      this.#mark(identity, true);
    }
    for (const [identity, timer] of this.#speaking) {
      if (timer !== null || levels.has(identity)) continue;
      this.#speaking.set(
        identity,
        setTimeout(() => this.#silent(identity), HELD),
      );
    }
  }

  /** Forgets everybody. */
  clear(): void {
    for (const identity of [...this.#speaking.keys()]) {
      this.#keepSpeaking(identity);
      this.#silent(identity);
    }
    this.#tiles.clear();
  }

  #keepSpeaking(identity: string): void {
    const running = this.#speaking.get(identity);
    if (running) clearTimeout(running);
    this.#speaking.set(identity, null);
  }

  #silent(identity: string): void {
    this.#speaking.delete(identity);
    this.#mark(identity, false);
  }

  #mark(identity: string, speaking: boolean): void {
    for (const tile of this.#tiles.get(identity) ?? []) mark(tile, speaking);
  }
}

function mark(tile: HTMLElement, speaking: boolean): void {
  if (speaking) tile.dataset['speaking'] = '';
  else delete tile.dataset['speaking'];
}
