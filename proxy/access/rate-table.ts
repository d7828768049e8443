/**
 * How often each of many keys came, in one number a key: the moment at which all it has done is paid for (the generic cell
 * rate algorithm, as in ITU-T I.371). Nothing runs by a timer, and however many keys come, so many are kept. It knows no
 * request.
 *
 * rate-limiter-flexible is not used here: its memory has a timer a key, keeps every key until that fires (449 bytes each,
 * measured with a million), and says yes or no by a promise, at 3 µs; this is asked for every request.
 */

/** Some 200 bytes each, measured with addresses of IPv6: 10 MiB a table when all are in use. */
const maxKeys = 50_000;
/** Keys that are looked at, the longest silent first, at each new one: more than one, so that what is over goes away. */
const sweptKeys = 2;

export class RateTable {
  /** Key → when it is even again, in milliseconds; the longest silent first. */
  readonly #evenAtMs = new Map<string, number>();
  readonly #max: number;

  constructor(max = maxKeys) {
    this.#max = max;
  }

  get size(): number {
    return this.#evenAtMs.size;
  }

  /**
   * Counts one for the key where it may: as many as `perSecond` at once, and from then on one after the other in their
   * time. 0: counted. Else nothing is counted, and it is how many milliseconds later one would be.
   */
  take(key: string, perSecond: number, nowMs: number): number {
    const intervalMs = 1_000 / perSecond;
    const evenAtMs = Math.max(this.#evenAtMs.get(key) ?? 0, nowMs);
    // Sums of fractions are not exact: a millionth of an interval is neither here nor there.
    const waitMs = evenAtMs - nowMs - (perSecond - 1) * intervalMs;
    const isOver = waitMs > intervalMs * 1e-6;
    // Set anew, it is the last in the order: whoever comes all the time is not forgotten for those who come once.
    this.#evenAtMs.delete(key);
    this.#sweep(nowMs);
    this.#evenAtMs.set(key, isOver ? evenAtMs : evenAtMs + intervalMs);
    return isOver ? waitMs : 0;
  }

  /** What is even is as good as what is not there. Where all are in use, the longest silent is forgotten nevertheless. */
  #sweep(nowMs: number): void {
    let looked = 0;
    for (const [key, evenAtMs] of this.#evenAtMs) {
      if (looked === sweptKeys) return;
      looked += 1;
      if (evenAtMs > nowMs && this.#evenAtMs.size < this.#max) return;
      this.#evenAtMs.delete(key);
    }
  }
}
