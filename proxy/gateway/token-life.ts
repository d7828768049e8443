/**
 * How long a token lets a link live: calls when its time is over, unless a fresh one has prolonged it. The end of a token
 * is a moment of the wall clock, which may be set: it is looked at again and again. It knows no token and no link.
 */

export interface TokenLifeOptions {
  /** On the wall clock. */
  readonly expiresAtMs: number;
  onExpired(): void;
  readonly nowMs?: () => number;
}

/** The longest wait between two looks at the wall clock; far below what a timer can measure. */
const longestWaitMs = 60 * 60_000;

export class TokenLife {
  readonly #options: TokenLifeOptions;
  readonly #nowMs: () => number;
  #expiresAtMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TokenLifeOptions) {
    this.#options = options;
    this.#expiresAtMs = options.expiresAtMs;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#wait();
  }

  get expiresAtMs(): number {
    return this.#expiresAtMs;
  }

  /** The fresh token's end counts, also where it is the earlier one. */
  renew(expiresAtMs: number): void {
    this.#expiresAtMs = expiresAtMs;
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const leftMs = Math.max(0, this.#expiresAtMs - this.#nowMs());
    this.#timer = setTimeout(
      () => {
        if (this.#nowMs() >= this.#expiresAtMs) this.#options.onExpired();
        else this.#wait();
      },
      Math.min(leftMs, longestWaitMs),
    );
  }
}
