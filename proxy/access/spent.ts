/** What is good once and has been used: remembered for as long as it would be good otherwise, in bounded memory. */

export interface SpentOptions {
  readonly lifeMs: number;
  readonly now: () => number;
}

/** Sign-ins of one life time; the oldest is forgotten first, and is then refused by what else guards it. */
const maxSpent = 10_000;

export class Spent {
  readonly #options: SpentOptions;
  /** Until when each is remembered, the oldest first. */
  readonly #until = new Map<string, number>();

  constructor(options: SpentOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#until.size;
  }

  /** False: it was used before. */
  spend(text: string): boolean {
    const now = this.#options.now();
    for (const [oldest, untilMs] of this.#until) {
      if (untilMs > now && this.#until.size < maxSpent) break;
      this.#until.delete(oldest);
    }
    if (this.#until.has(text)) return false;
    this.#until.set(text, now + this.#options.lifeMs);
    return true;
  }
}
