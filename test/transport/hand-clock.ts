/** A clock that a test moves by hand: timers call in the order they are due, and nothing waits in between. */
import type { Clock, Timer } from '../../shared/time/clock.ts';

interface Waiting {
  readonly dueMs: number;
  readonly call: () => void;
}

export class HandClock implements Clock {
  #nowMs = 1_000;
  readonly #waiting = new Set<Waiting>();

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, call: () => void): Timer {
    const waiting = { dueMs: this.#nowMs + delayMs, call };
    this.#waiting.add(waiting);
    return { cancel: () => this.#waiting.delete(waiting) };
  }

  /** Timers that have not called yet. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** How long until the next timer calls; Infinity: none waits. */
  get untilNextMs(): number {
    return Math.min(...Array.from(this.#waiting, ({ dueMs }) => dueMs)) - this.#nowMs;
  }

  /** Goes forward; each timer on the way calls at its own time. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = [...this.#waiting].filter(({ dueMs }) => dueMs <= untilMs).toSorted(earlier)[0];
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.call();
    }
    this.#nowMs = untilMs;
  }
}

function earlier(a: Waiting, b: Waiting): number {
  return a.dueMs - b.dueMs;
}
