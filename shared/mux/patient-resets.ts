/**
 * Streams that are done, and whose RST waits for company: the peer only puts something away when it comes, and a frame of its own
 * would cost both ends a write, a read and a turn. It goes with whatever is said next, or alone after a delay. It knows no frames.
 */
import { Fifo } from './fifo.ts';
import type { MuxStream } from './stream.ts';

export class PatientResets {
  readonly #delayMs: number;
  readonly #waiting = new Fifo<MuxStream>();
  /** Of the one that has waited longest, or of one that has left since: never later than it has to be. */
  #dueMs = Infinity;

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Infinity: none waits. */
  get nextDeadlineMs(): number {
    return this.#waiting.size === 0 ? Infinity : this.#dueMs;
  }

  add(stream: MuxStream, nowMs: number): void {
    if (this.#waiting.size === 0) this.#dueMs = nowMs + this.#delayMs;
    this.#waiting.join(stream.urgent);
  }

  /** The one that has waited longest waits no more. */
  take(): MuxStream | undefined {
    const place = this.#waiting.first;
    if (place === undefined) return undefined;
    this.#waiting.remove(place);
    return place.holder;
  }
}
