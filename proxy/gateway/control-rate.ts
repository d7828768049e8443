/**
 * How many control messages an agent may send on one link. Each may cost a line of the log and an answer, so that a flood of
 * them would fill disks and buffers; an agent that works says something when its backend or its token has changed. It knows
 * no messages.
 */

/** A health check may be told to look ten times a second, and to believe each look. */
const perSecond = 20;
/** What piles up while the way is blocked. */
const burst = 200;

export class ControlRate {
  readonly #nowMs: () => number;
  #left = burst;
  #lastMs: number;

  /** @param nowMs a clock that only goes forward */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#lastMs = nowMs();
  }

  /** One more is there; false where it is one too many. */
  take(): boolean {
    const nowMs = this.#nowMs();
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#lastMs) * perSecond) / 1_000);
    this.#lastMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
