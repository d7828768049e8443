/**
 * Notices that this machine has slept, or that this process stood still: the network may be another one now, and links
 * may have died without a word. It looks at two clocks at regular times and knows nothing of links.
 */
import type { Clock, Timer } from '../../shared/time/clock.ts';

/** Often enough that a laptop's user does not wait for it, and next to nothing to do. */
const lookEveryMs = 2_000;
/**
 * Beyond what a busy event loop is late by, and what a corrected clock jumps by. Who is woken in vain has asked the proxy
 * for a sign of life, and that is all.
 */
const jumpMs = 5_000;

export interface WakeOptions {
  readonly clock: Clock;
  /** Milliseconds since 1970: unlike the other clock, it goes on while the machine sleeps. */
  readonly wallMs: () => number;
  readonly onWake: () => void;
}

export class Wake {
  readonly #options: WakeOptions;
  #timer: Timer | undefined;
  #lastMs = 0;
  #lastWallMs = 0;

  constructor(options: WakeOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, wallMs } = this.#options;
    this.#lastMs = clock.nowMs();
    this.#lastWallMs = wallMs();
    this.#timer = clock.after(lookEveryMs, () => this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const { clock, wallMs, onWake } = this.#options;
    // Either clock may have stood still in the sleep, or none: systems differ.
    const passedMs = Math.max(clock.nowMs() - this.#lastMs, wallMs() - this.#lastWallMs);
    if (passedMs - lookEveryMs >= jumpMs) onWake();
    this.start();
  }
}
