/**
 * The end of a link that takes nothing new: it is closed when its last exchange has ended, not before one time and not
 * after another. It knows neither links nor exchanges.
 */

export interface LinkEndingOptions {
  /** The least time it stays, though it is idle. */
  readonly leastMs?: number;
  /** The most, though it is not. */
  readonly mostMs?: number;
  isIdle(): boolean;
  /** Once. */
  close(): void;
}

/** How often it looks whether the last exchange has ended. */
const idleCheckMs = 100;

export class LinkEnding {
  readonly #timer: NodeJS.Timeout;

  constructor(options: LinkEndingOptions) {
    const { leastMs = 0, mostMs = Infinity } = options;
    const beganMs = performance.now();
    const look = (): void => {
      const waitedMs = performance.now() - beganMs;
      if (waitedMs < mostMs && (waitedMs < leastMs || !options.isIdle())) return;
      this.cancel();
      options.close();
    };
    this.#timer = setInterval(look, idleCheckMs);
    if (leastMs === 0) look();
  }

  /** Idempotent. */
  cancel(): void {
    clearInterval(this.#timer);
  }
}
