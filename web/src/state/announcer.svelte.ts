import { names, plural, t } from './i18n';

/** Comings and goings within this time are told together. In ms. */
const GROUPED = 2_000;
/** So many names are still said one by one. */
const NAMED_MAX = 2;

type Move = 'joined' | 'left';

/** What a screen reader says beside the page: politely, or at once. */
export class Announcer {
  polite = $state('');
  assertive = $state('');
  // Beside the state, so that speaking from an effect does not make the effect run again.
  #said = '';
  #moves: Record<Move, string[]> = { joined: [], left: [] };
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Says something when there is a pause. */
  say(text: string): void {
    // The same words twice would be no change, and nothing is said.
    this.#said = this.#said === text ? `${text}\u00a0` : text;
    this.polite = this.#said;
  }

  /** Says something at once; empty ends it. */
  interrupt(text: string): void {
    this.assertive = text;
  }

  /** Tells who came or left, grouped. */
  moved(move: Move, who: readonly string[]): void {
    const opposite = this.#moves[move === 'left' ? 'joined' : 'left'];
    for (const name of who) {
      // Who comes back at once has only loaded the page again.
      const at = opposite.indexOf(name);
      if (at >= 0) opposite.splice(at, 1);
      else this.#moves[move].push(name);
    }
    if (this.#moves.joined.length + this.#moves.left.length === 0) return;
    this.#timer ??= setTimeout(() => this.#tellMoves(), GROUPED);
  }

  #tellMoves(): void {
    this.#timer = undefined;
    const told = (['left', 'joined'] as const).map((move) => sentence(move, this.#moves[move]));
    this.#moves = { joined: [], left: [] };
    const text = told.filter(Boolean).join('. ');
    if (text !== '') this.say(text);
  }
}

function sentence(move: Move, who: readonly string[]): string {
  const [first] = who;
  if (first === undefined) return '';
  if (who.length <= NAMED_MAX) return t(`spoken.${move}`, { names: names(who) });
  return plural(`spoken.${move}-many`, who.length - 1, { name: first });
}
