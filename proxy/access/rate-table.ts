/**
 * How often each of many keys came, in one number a key: the moment at which all it has done is paid for (the generic cell
 * rate algorithm, as in ITU-T I.371). Nothing runs by a timer, and however many keys come, so many are kept. It knows no
 * request.
 *
 * Kept in two generations: who comes is in the young one, and the old one is dropped as a whole. Nothing is deleted by
 * itself, since a Map whose first entries were deleted one by one takes longer and longer to find its first one (16 µs with
 * 50,000 keys, measured).
 *
 * rate-limiter-flexible is not used here: its memory has a timer a key, keeps every key until that fires (449 bytes each,
 * measured with a million), and says yes or no by a promise, at 3 µs; this is asked for every request.
 */

/** In both generations; some 200 bytes each, measured with addresses of IPv6: 10 MiB a table when all are in use. */
const maxKeys = 50_000;
/** The longest that a key can owe: one burst is what comes in one second. */
const longestDebtMs = 1_000;

export class RateTable {
  /** Key → when it is even again, in milliseconds. */
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  #youngSinceMs = -Infinity;
  readonly #maxYoung: number;

  constructor(max = maxKeys) {
    this.#maxYoung = Math.floor(max / 2);
  }

  /** Entries that are held; a key may have one in each generation. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /**
   * Counts one for the key where it may: as many as `perSecond` at once, and from then on one after the other in their
   * time. 0: counted. Else nothing is counted, and it is how many milliseconds later one would be.
   */
  take(key: string, perSecond: number, nowMs: number): number {
    // What came last more than a second ago owes nothing: no more is forgotten than is no longer needed.
    if (nowMs - this.#youngSinceMs >= longestDebtMs) this.#age(nowMs);
    const intervalMs = 1_000 / perSecond;
    const evenAtMs = Math.max(this.#young.get(key) ?? this.#old.get(key) ?? 0, nowMs);
    // Sums of fractions are not exact: a millionth of an interval is neither here nor there.
    const waitMs = evenAtMs - nowMs - (perSecond - 1) * intervalMs;
    const isOver = waitMs > intervalMs * 1e-6;
    // Also who is refused is young again: whoever comes all the time is not forgotten for those who come once.
    this.#young.set(key, isOver ? evenAtMs : evenAtMs + intervalMs);
    if (this.#young.size >= this.#maxYoung) this.#age(nowMs);
    return isOver ? waitMs : 0;
  }

  #age(nowMs: number): void {
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngSinceMs = nowMs;
  }
}
