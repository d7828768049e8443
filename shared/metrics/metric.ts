/**
 * A metric as it is declared: what it is called, what it means, and where its numbers are read when somebody asks. What
 * is counted is counted by plain numbers elsewhere; nothing here knows who asks, nor in which format.
 */
import type { Distribution } from './distribution.ts';

/** The values of the metric's labels, in their order, and the number that stands under them. */
export type Row<Value> = readonly [labels: readonly string[], value: Value];

type Rows<Value> = Iterable<Row<Value>> | Promise<Iterable<Row<Value>>>;

interface Declared {
  /** As Prometheus names them: base units, counters end in `_total`. */
  readonly name: string;
  readonly labels: readonly string[];
  /** One sentence, for people. */
  readonly help: string;
}

export interface NumberMetric extends Declared {
  /** A counter only grows while the process lives; a gauge is how it is now. */
  readonly type: 'counter' | 'gauge';
  /** Rows with the same labels add up. */
  readonly read: () => Rows<number>;
}

export interface HistogramMetric extends Declared {
  readonly type: 'histogram';
  readonly read: () => Rows<Distribution>;
}

export type Metric = NumberMetric | HistogramMetric;

export function counter(
  name: string,
  labels: readonly string[],
  help: string,
  read: NumberMetric['read'],
): Metric {
  return { name, type: 'counter', labels, help, read };
}

export function gauge(
  name: string,
  labels: readonly string[],
  help: string,
  read: NumberMetric['read'],
): Metric {
  return { name, type: 'gauge', labels, help, read };
}

export function histogram(
  name: string,
  labels: readonly string[],
  help: string,
  read: HistogramMetric['read'],
): Metric {
  return { name, type: 'histogram', labels, help, read };
}

/** The row of a metric without labels; none where the number is not known. */
export function single<Value>(value: Value | undefined): Row<Value>[] {
  return value === undefined ? [] : [[[], value]];
}

/** The rows of a metric with one label. */
export function rowsOf<Value>(values: Iterable<readonly [name: string, value: Value]>): Row<Value>[] {
  return Array.from(values, ([name, value]) => [[name], value]);
}
