/** What has been served, as metrics. A body that is still on its way counts as far as it has come. */
import { counter, gauge, histogram, rowsOf } from '../../shared/metrics/metric.ts';
import type { Metric, Row } from '../../shared/metrics/metric.ts';
import { oncePerTurn } from '../../shared/metrics/once-per-turn.ts';
import { statusClasses } from './exchange-counts.ts';
import type { BackendCounts, ExchangeCounts, Running } from './exchange-counts.ts';

type Of<Value> = (ended: BackendCounts, running: Running) => Value;

const nothing: Running = { exchanges: 0, requestBytes: 0, responseBytes: 0 };

export function exchangeMetrics(counts: ExchangeCounts): readonly Metric[] {
  const running = oncePerTurn(() => counts.running());
  const ofEach = <Value>(read: Of<Value>): [label: string, value: Value][] => {
    // First, because it may give a backend its label.
    const now = running();
    return counts.backends.entries().map(([label, ended]) => [label, read(ended, now.get(label) ?? nothing)]);
  };
  return [
    counter(
      'inverting_proxy_exchanges_total',
      ['backend', 'class'],
      'Exchanges that have ended, by the class of their status; none: they never had one.',
      () => ofEach(({ byClass }) => byClass).flatMap(([label, byClass]) => classRows(label, byClass)),
    ),
    gauge(
      'inverting_proxy_exchanges_in_flight',
      ['backend'],
      'Exchanges that are open now, WebSockets among them.',
      () => rowsOf(ofEach((_, { exchanges }) => exchanges)),
    ),
    histogram(
      'inverting_proxy_head_seconds',
      ['backend'],
      "Time from the whole head of a request to the head of the backend's final answer.",
      () => rowsOf(ofEach(({ headSeconds }) => headSeconds)),
    ),
    histogram(
      'inverting_proxy_exchange_seconds',
      ['backend'],
      'Time from the whole head of a request to the end of its exchange. Upgrades are left out.',
      () => rowsOf(ofEach(({ wholeSeconds }) => wholeSeconds)),
    ),
    ...bodyMetrics(ofEach),
    counter('inverting_proxy_retries_total', ['backend'], 'Requests that were sent once more.', () =>
      rowsOf(ofEach(({ retries }) => retries)),
    ),
    counter(
      'inverting_proxy_aborts_total',
      ['backend', 'by'],
      'Exchanges that were broken off, by who did it: client, backend or proxy.',
      () =>
        ofEach(({ aborted }) => Object.entries(aborted)).flatMap(([label, aborted]) =>
          aborted.map(([by, count]): Row<number> => [[label, by], count]),
        ),
    ),
    counter(
      'inverting_proxy_failures_total',
      ['code'],
      'What went wrong or was refused, by the code of Proxy-Status and the log; what a retry mended is among it.',
      () => rowsOf(counts.failures.entries()),
    ),
  ];
}

function bodyMetrics(ofEach: (read: Of<number>) => [label: string, value: number][]): Metric[] {
  return [
    counter(
      'inverting_proxy_request_bytes_total',
      ['backend'],
      'Bytes of bodies, and raw ones after an upgrade, from clients to backends.',
      () => rowsOf(ofEach((ended, now) => ended.requestBytes + now.requestBytes)),
    ),
    counter(
      'inverting_proxy_response_bytes_total',
      ['backend'],
      'Bytes of bodies, and raw ones after an upgrade, from backends to clients.',
      () => rowsOf(ofEach((ended, now) => ended.responseBytes + now.responseBytes)),
    ),
  ];
}

function classRows(label: string, byClass: readonly number[]): Row<number>[] {
  return statusClasses.map((name, place) => [[label, name], byClass[place] ?? 0]);
}
