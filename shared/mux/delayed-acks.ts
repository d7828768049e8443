/**
 * The streams a peer opened and whose ACK still waits for a frame to ride on. An ACK of its own for every stream would cost a
 * frame and often a write per request; none at all would stall a hashicorp opener at 256 unacknowledged streams and make it
 * give up after 75 s. So an ACK goes alone after a delay, or when too many wait.
 */
import { Fifo } from './fifo.ts';
import type { MuxStream } from './stream.ts';

/** A quarter of the 256 at which a hashicorp opener stalls: the ACKs are there long before. */
const maxWaiting = 64;

export class DelayedAcks {
  readonly #delayMs: number;
  readonly #sendNow: (stream: MuxStream) => void;
  readonly #waiting = new Fifo<MuxStream>();

  constructor(delayMs: number, sendNow: (stream: MuxStream) => void) {
    this.#delayMs = delayMs;
    this.#sendNow = sendNow;
  }

  /** Infinity: none waits. */
  get nextDeadlineMs(): number {
    return this.#waiting.first?.holder.ackDueMs ?? Infinity;
  }

  add(stream: MuxStream, nowMs: number): void {
    stream.ackDueMs = nowMs + this.#delayMs;
    this.#waiting.join(stream.delayedAck);
    if (this.#waiting.size >= maxWaiting) this.tick(Infinity);
  }

  tick(nowMs: number): void {
    for (;;) {
      const place = this.#waiting.first;
      if (place === undefined || place.holder.ackDueMs > nowMs) return;
      this.#waiting.remove(place);
      this.#sendNow(place.holder);
    }
  }
}
