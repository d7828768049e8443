/**
 * Connections that were reset before they said anything, for the log: the first at once, the rest as a number, since a
 * flood of connections must not become a flood of lines.
 */
import type { Log } from '../shared/log/log.ts';

/** One line in so long, for each code. */
const intervalMs = 10_000;

export class TurnedAway {
  readonly #log: Log;
  readonly #quiet = new Map<string, { untilMs: number; count: number }>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** @param code one of a few literals, so that what is kept is bounded */
  note(code: string, address: string, nowMs: number = performance.now()): void {
    const quiet = this.#quiet.get(code);
    if (quiet !== undefined && nowMs < quiet.untilMs) {
      quiet.count += 1;
      return;
    }
    const others = quiet?.count ?? 0;
    this.#quiet.set(code, { untilMs: nowMs + intervalMs, count: 0 });
    this.#log.warn({ code, address, alsoSince: others === 0 ? undefined : others }, 'connection turned away');
  }
}
