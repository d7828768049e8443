/**
 * Requests whose backend is away for a moment: they wait here, in the order they came, until a tunnel is there, their
 * time is over, or their client is gone. Their bodies stay unread. It knows neither routes nor tunnels; who lets them in
 * does.
 */
import type { Reserve } from '../../shared/mux/window.ts';
import type { ClientListener, Exchange } from '../exchange.ts';

export interface WaitingRoomLimits {
  readonly maxRequests: number;
  /** Of their heads and of what has been read behind them. */
  readonly maxBytes: number;
  /** Of the whole program: what waits is taken from it. */
  readonly memory?: Reserve;
}

/** ready: try now · late: nobody came in time · gone: the client left · full: there was no place. */
export type WaitOutcome = 'ready' | 'late' | 'gone' | 'full';

export class WaitingRoom {
  readonly #limits: WaitingRoomLimits;
  /** In the order they came. */
  readonly #waiting = new Set<Waiter>();

  constructor(limits: WaitingRoomLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.size;
  }

  get heldBytes(): number {
    let bytes = 0;
    for (const waiter of this.#waiting) bytes += waiter.bytes;
    return bytes;
  }

  /** @param untilMs of the sweep's clock; @param isServed whether a tunnel for it is there now */
  wait(exchange: Exchange, untilMs: number, isServed: () => boolean): Promise<WaitOutcome> {
    const { maxRequests, maxBytes, memory } = this.#limits;
    const bytes = exchange.client.heldBytes;
    if (this.size >= maxRequests || this.heldBytes + bytes > maxBytes) return Promise.resolve('full');
    if (memory?.reserve(bytes) === false) return Promise.resolve('full');
    return new Promise((resolve) => {
      const waiter = new Waiter(bytes, untilMs, isServed, (outcome) => {
        if (!this.#waiting.delete(waiter)) return;
        memory?.release(bytes);
        resolve(outcome);
      });
      this.#waiting.add(waiter);
      exchange.client.listen(waiter);
    });
  }

  /** A tunnel has come, or serves again: whoever it is for goes, the longest here first. */
  review(): void {
    for (const waiter of this.#waiting) if (waiter.isServed()) waiter.leave('ready');
  }
}

class Waiter implements ClientListener {
  readonly bytes: number;
  readonly isServed: () => boolean;
  readonly leave: (outcome: WaitOutcome) => void;
  readonly #untilMs: number;

  constructor(
    bytes: number,
    untilMs: number,
    isServed: () => boolean,
    leave: (outcome: WaitOutcome) => void,
  ) {
    this.bytes = bytes;
    this.isServed = isServed;
    this.leave = leave;
    this.#untilMs = untilMs;
  }

  bodyRoom(): number {
    return 0;
  }

  onBody(): void {
    throw new Error('a body was read for somebody who has no room for it');
  }

  onBodyEnd(): void {
    throw new Error('a body ended that nobody has read');
  }

  onBodyRefused(): void {
    this.leave('gone');
  }

  onDrain(): void {
    // Nothing has been written.
  }

  onGone(): void {
    this.leave('gone');
  }

  onTick(nowMs: number): void {
    if (nowMs >= this.#untilMs) this.leave('late');
  }
}
