/**
 * A first-in first-out line that anybody in it may leave from anywhere, at once. Streams stand in three of them:
 * for their turn, for an urgent frame, for their delayed ACK. An array would have to be searched, and leaving later
 * ("lazily") would let streams that are opened and reset while the link is stuck pile up without a bound.
 */

/** A stream's place in one line: made once, used again for every wait. */
export class Place<T> {
  readonly holder: T;
  fifo: Fifo<T> | undefined = undefined;
  ahead: Place<T> | undefined = undefined;
  behind: Place<T> | undefined = undefined;

  constructor(holder: T) {
    this.holder = holder;
  }

  get isWaiting(): boolean {
    return this.fifo !== undefined;
  }

  /** Idempotent. */
  leave(): void {
    this.fifo?.remove(this);
  }
}

export class Fifo<T> {
  #first: Place<T> | undefined = undefined;
  #last: Place<T> | undefined = undefined;
  #size = 0;

  get first(): Place<T> | undefined {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  /** Idempotent: who already waits keeps the place it has. */
  join(place: Place<T>): void {
    if (place.fifo !== undefined) return;
    place.fifo = this;
    place.ahead = this.#last;
    if (this.#last === undefined) this.#first = place;
    else this.#last.behind = place;
    this.#last = place;
    this.#size++;
  }

  remove(place: Place<T>): void {
    if (place.fifo !== this) return;
    if (place.ahead === undefined) this.#first = place.behind;
    else place.ahead.behind = place.behind;
    if (place.behind === undefined) this.#last = place.ahead;
    else place.behind.ahead = place.ahead;
    place.fifo = undefined;
    place.ahead = undefined;
    place.behind = undefined;
    this.#size--;
  }
}
