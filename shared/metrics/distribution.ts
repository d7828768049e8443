/** How often a value fell under which bound: what a histogram is made of. Adding one is a few comparisons. */

export class Distribution {
  /** Ascending. */
  readonly bounds: readonly number[];
  /** Of each bound the values at most that large which were over the bound before it; the last counts the rest. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** Adds a value. One that is no number would make the sum none for ever: it is left out. */
  add(value: number): void {
    if (Number.isNaN(value)) return;
    const { bounds } = this;
    let place = 0;
    while (place < bounds.length && value > (bounds[place] ?? 0)) place += 1;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
    this.#sum += value;
  }

  get sum(): number {
    return this.#sum;
  }

  /** Of each bound, and of Infinity at the end, how many values were at most that large. */
  cumulative(): [bound: number, count: number][] {
    let count = 0;
    return Array.from(this.#counts, (own, place) => {
      count += own;
      return [this.bounds[place] ?? Infinity, count];
    });
  }
}
