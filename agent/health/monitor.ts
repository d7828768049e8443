/**
 * Looks at the backend again and again, and tells when its standing changes. It knows neither links nor requests.
 */
import type { Clock, Timer } from '../../shared/time/clock.ts';
import type { ProbeResult } from './probe.ts';
import type { Verdict } from './verdict.ts';

export interface MonitorOptions {
  readonly verdict: Verdict;
  /** From the end of one probe to the beginning of the next. */
  readonly intervalMs: number;
  readonly clock: Clock;
  probe(): Promise<ProbeResult>;
  /** `why` says what the last probe found. */
  onChange(isServing: boolean, why: string | undefined): void;
}

export class Monitor {
  readonly #options: MonitorOptions;
  #timer: Timer | undefined;
  #isStopped = false;
  readonly #look = (): void => void this.#probe();

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = this.#options.clock.after(0, this.#look);
  }

  /** Nothing is told after it. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #probe(): Promise<void> {
    const { verdict, intervalMs, clock } = this.#options;
    const why = await this.#options.probe();
    if (this.#isStopped) return;
    if (verdict.note(why === undefined)) this.#options.onChange(verdict.isServing, why);
    this.#timer = clock.after(intervalMs, this.#look);
  }
}
