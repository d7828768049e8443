/**
 * How long to wait before the next dial: full jitter under a ceiling that doubles, so that agents who lost their proxy
 * together come back apart. It knows no clock.
 */

const firstCeilingMs = 250;
const lastCeilingMs = 15_000;
/** What a proxy may ask for: a wrong date or a slip of the pen must not silence an agent for a day. */
const longestAskedMs = 5 * 60_000;

export class Backoff {
  readonly #random: () => number;
  #ceilingMs = firstCeilingMs;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  nextDelayMs(): number {
    const delayMs = this.#random() * this.#ceilingMs;
    this.#ceilingMs = Math.min(lastCeilingMs, this.#ceilingMs * 2);
    return delayMs;
  }

  /** For a dial that will fail again until somebody acts: slowly, and still apart. */
  slowDelayMs(): number {
    return lastCeilingMs * (1 + this.#random());
  }

  /** The proxy has said when (Retry-After): not before, not all at once, and never at once again and again. */
  askedDelayMs(retryAfterMs: number): number {
    return Math.min(retryAfterMs, longestAskedMs) + this.nextDelayMs();
  }

  reset(): void {
    this.#ceilingMs = firstCeilingMs;
  }
}
