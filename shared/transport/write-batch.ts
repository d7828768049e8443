/**
 * Gathers the writes of one turn: whoever has something to write joins, and is called when the turn's callbacks are over,
 * so that a head, its body and what follows leave in one system call each. It knows neither sockets nor messages.
 */

export interface Gatherer {
  /** The turn is over: what was gathered leaves. */
  flush(): void;
}

export class WriteBatch {
  #gatherers: Gatherer[] = [];
  readonly #flush = (): void => {
    const gatherers = this.#gatherers;
    this.#gatherers = [];
    for (const gatherer of gatherers) gatherer.flush();
  };

  /** Once a turn each. */
  join(gatherer: Gatherer): void {
    if (this.#gatherers.length === 0) process.nextTick(this.#flush);
    this.#gatherers.push(gatherer);
  }
}
