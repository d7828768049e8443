/** How long to wait before the next dial: full jitter under a ceiling that doubles, so that agents who lost their proxy together come back apart. */

const firstCeilingMs = 250;
const lastCeilingMs = 15_000;

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

  reset(): void {
    this.#ceilingMs = firstCeilingMs;
  }
}
