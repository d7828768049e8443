/**
 * What has been served, in plain numbers: the end of an exchange adds to a dozen of them and allocates nothing. What is
 * still running is read where it stands, in its record. It knows neither metrics nor logs.
 */
import { BoundedNames, noName } from '../../shared/metrics/bounded-names.ts';
import { Distribution } from '../../shared/metrics/distribution.ts';
import type { ExchangeRecord } from '../exchange.ts';

/** Backend ids that are told apart; every one has some forty series. */
const maxBackends = 200;
/** Codes are literals of this program, a hundred at most: the bound is there for the day when one is not. */
const maxCodes = 200;

/** In seconds: from what a link within a rack takes to the longest wait for a head that is the default. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

export type AbortedBy = NonNullable<ExchangeRecord['abortedBy']>;

/** By the first digit of the status; the first is for those that never had one. */
export const statusClasses = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;

export interface Running {
  exchanges: number;
  requestBytes: number;
  responseBytes: number;
}

export class BackendCounts {
  /** In the order of `statusClasses`. */
  readonly byClass = [0, 0, 0, 0, 0, 0];
  readonly headSeconds = new Distribution(bounds);
  readonly wholeSeconds = new Distribution(bounds);
  readonly aborted: { [By in AbortedBy]: number } = { client: 0, backend: 0, proxy: 0 };
  requestBytes = 0;
  responseBytes = 0;
  retries = 0;
  linksOpened = 0;

  add(record: ExchangeRecord, nowMs: number): void {
    const { status, startedAtMs, headAtMs, abortedBy } = record;
    const place = status === undefined ? 0 : Math.floor(status / 100);
    this.byClass[place] = (this.byClass[place] ?? 0) + 1;
    if (headAtMs !== undefined) this.headSeconds.add((headAtMs - startedAtMs) / 1_000);
    // How long a WebSocket is open says nothing of how fast anything was.
    if (status !== 101) this.wholeSeconds.add((nowMs - startedAtMs) / 1_000);
    if (abortedBy !== undefined) this.aborted[abortedBy] += 1;
    this.requestBytes += record.requestBytes;
    this.responseBytes += record.responseBytes;
    this.retries += record.retries;
  }
}

class Count {
  value = 0;
}

/** How often each code was given. */
export class CodeCounts {
  readonly #counts = new BoundedNames(maxCodes, () => new Count());

  add(code: string): void {
    this.#counts.of(code).value += 1;
  }

  entries(): [code: string, count: number][] {
    return this.#counts.entries().map(([code, { value }]) => [code, value]);
  }
}

export class ExchangeCounts {
  /** By backend id; exchanges without one under a name of their own. */
  readonly backends = new BoundedNames(maxBackends, () => new BackendCounts());
  readonly failures = new CodeCounts();
  /** In no order. Not a set: sets that grow keep what has left them alive for long, as maps do (see shared/mux/table.ts). */
  readonly #running: ExchangeRecord[] = [];

  begin(record: ExchangeRecord): void {
    record.place = this.#running.length;
    this.#running.push(record);
  }

  /** @param nowMs performance.now() */
  end(record: ExchangeRecord, nowMs: number): void {
    this.#leave(record);
    this.backends.of(record.backendId ?? noName).add(record, nowMs);
    if (record.code !== undefined) this.failures.add(record.code);
  }

  /** The last one takes its place. Idempotent. */
  #leave(record: ExchangeRecord): void {
    const { place } = record;
    if (place === -1) return;
    record.place = -1;
    const last = this.#running.pop();
    if (last === undefined || last === record) return;
    last.place = place;
    this.#running[place] = last;
  }

  /** What runs now, by label. */
  running(): ReadonlyMap<string, Running> {
    const sums = new Map<string, Running>();
    for (const { backendId, requestBytes, responseBytes, raw } of this.#running) {
      const label = this.backends.labelOf(backendId ?? noName);
      const sum = sums.get(label) ?? { exchanges: 0, requestBytes: 0, responseBytes: 0 };
      sums.set(label, sum);
      sum.exchanges += 1;
      sum.requestBytes += requestBytes + (raw?.bytesIn ?? 0);
      sum.responseBytes += responseBytes + (raw?.bytesOut ?? 0);
    }
    return sums;
  }
}
