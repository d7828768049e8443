/**
 * Whether the backend serves, from what its probes found: so many failures in a row and it does not, so many passes in
 * a row and it does again; the very first probe decides at once. Arithmetic only: it knows no time and no sockets.
 */
export interface VerdictOptions {
  /** Failures in a row that end a good standing. */
  readonly failures: number;
  /** Passes in a row that end a bad one. */
  readonly passes: number;
}

export class Verdict {
  readonly #options: VerdictOptions;
  #isServing = true;
  #isFirst = true;
  /** Probes in a row that contradict the standing. */
  #against = 0;

  constructor(options: VerdictOptions) {
    this.#options = options;
  }

  /** Before the first probe a backend is believed to serve. */
  get isServing(): boolean {
    return this.#isServing;
  }

  /** Returns whether the standing has changed. */
  note(hasPassed: boolean): boolean {
    const needed = this.#isFirst ? 1 : this.#isServing ? this.#options.failures : this.#options.passes;
    this.#isFirst = false;
    if (hasPassed === this.#isServing) {
      this.#against = 0;
      return false;
    }
    this.#against += 1;
    if (this.#against < needed) return false;
    this.#against = 0;
    this.#isServing = hasPassed;
    return true;
  }
}
