/**
 * Connections that were reset before they said anything, for the log: the first at once, those of the next seconds as a
 * number, since a flood of connections must not become a flood of lines.
 */
import type { Log } from '../shared/log/log.ts';
import { systemClock } from '../shared/time/clock.ts';
import type { Clock } from '../shared/time/clock.ts';

/** One line in so long, for each code. */
const intervalMs = 10_000;

/** Those that came behind the one that was told. */
interface Others {
  count: number;
  lastAddress: string | undefined;
}

export class TurnedAway {
  readonly #log: Pick<Log, 'warn'>;
  readonly #clock: Clock;
  /** By code, while a line of it is recent. */
  readonly #others = new Map<string, Others>();

  constructor(log: Pick<Log, 'warn'>, clock: Clock = systemClock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param code one of a few literals, so that what is kept is bounded */
  note(code: string, address: string | undefined): void {
    const others = this.#others.get(code);
    if (others === undefined) {
      this.#tell(code, address);
      return;
    }
    others.count += 1;
    others.lastAddress = address;
  }

  #tell(code: string, address: string | undefined, count?: number): void {
    this.#log.warn({ code, address, count }, 'connection turned away');
    this.#others.set(code, { count: 0, lastAddress: address });
    this.#clock.after(intervalMs, () => this.#tellOthers(code));
  }

  /** Not with the next one that comes: there may be none, and the number would be lost. */
  #tellOthers(code: string): void {
    const others = this.#others.get(code);
    this.#others.delete(code);
    if (others !== undefined && others.count > 0) this.#tell(code, others.lastAddress, others.count);
  }
}
