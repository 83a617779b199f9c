/** A short notice that goes away by itself. */
export interface Toast {
  id: number;
  title: string;
  text: string;
}

/** More at once nobody reads; the oldest gives way. */
const TOASTS_MAX = 3;
/** How long a notice stays, in ms. */
const STAYS = 6_000;

/** The notices at the edge of the page. */
export class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  readonly #say: (text: string) => void;
  #next = 0;
  // Nobody watches the timers.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  /** @param say tells those who listen. */
  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** Shows a notice; the same one twice is shown once, anew. */
  show(title: string, text = ''): void {
    for (const same of this.list.filter((toast) => toast.title === title)) this.dismiss(same.id);
    const toast = { id: this.#next++, title, text };
    for (const oldest of this.list.slice(0, Math.max(0, this.list.length - TOASTS_MAX + 1))) {
      this.dismiss(oldest.id);
    }
    this.list = [...this.list, toast];
    this.#say(`${title} ${text}`.trim());
    this.release(toast.id);
  }

  dismiss(id: number): void {
    this.hold(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  /** Keeps a notice while somebody looks at it. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  /** Lets its time run again. */
  release(id: number): void {
    this.hold(id);
    this.#timers.set(
      id,
      setTimeout(() => this.dismiss(id), STAYS),
    );
  }
}
