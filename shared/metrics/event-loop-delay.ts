/**
 * How late the event loop comes to its work. It takes a timer of its own to measure, which wakes an idle process fifty
 * times a second: so it begins with the first question, and the first answer is none.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Fine enough for delays that anybody notices, coarse enough to cost nothing. */
const resolutionMs = 20;

/** In seconds; empty where nothing was measured. */
export interface Delay {
  readonly p50?: number;
  readonly p99?: number;
  readonly max?: number;
}

export class EventLoopDelay {
  #histogram: ReturnType<typeof monitorEventLoopDelay> | undefined;
  #delay: Delay = {};

  /** Since the question before; where nothing was measured since, what that one was told. */
  read(): Delay {
    if (this.#histogram === undefined) {
      this.#histogram = monitorEventLoopDelay({ resolution: resolutionMs });
      this.#histogram.enable();
      return this.#delay;
    }
    const histogram = this.#histogram;
    if (histogram.count > 0) {
      this.#delay = {
        p50: lateness(histogram.percentile(50)),
        p99: lateness(histogram.percentile(99)),
        max: lateness(histogram.max),
      };
      histogram.reset();
    }
    return this.#delay;
  }
}

/** The histogram holds the time between two calls of its timer, in nanoseconds. */
function lateness(betweenNs: number): number {
  return Math.max(0, betweenNs / 1_000_000_000 - resolutionMs / 1_000);
}
