/**
 * Metrics in the text format of Prometheus (0.0.4). prom-client lives here; it is loaded when somebody asks for the first
 * time, so that a program nobody watches does not carry it, and of it only what is used: its index also loads a push
 * gateway and an OpenTelemetry interface, 6 MB that nothing here needs. It knows no metric.
 */
import { createRequire } from 'node:module';
import type * as PromClient from 'prom-client';
import type { Distribution } from './distribution.ts';
import type { HistogramMetric, Metric, NumberMetric, Row } from './metric.ts';

export const expositionType = 'text/plain; version=0.0.4; charset=utf-8';

export class Exposition {
  readonly #metrics: readonly Metric[];
  #registry: PromClient.Registry | undefined;

  constructor(metrics: readonly Metric[]) {
    this.#metrics = metrics;
  }

  /** All metrics as they are now. */
  text(): Promise<string> {
    this.#registry ??= register(this.#metrics);
    return this.#registry.metrics();
  }
}

interface Parts {
  readonly Registry: typeof PromClient.Registry;
  readonly Counter: typeof PromClient.Counter;
  readonly Gauge: typeof PromClient.Gauge;
  readonly Histogram: typeof PromClient.Histogram;
}

function load(): Parts {
  const require = createRequire(import.meta.url);
  return {
    Registry: require('prom-client/lib/registry.js'),
    Counter: require('prom-client/lib/counter.js'),
    Gauge: require('prom-client/lib/gauge.js'),
    Histogram: require('prom-client/lib/histogram.js'),
  };
}

function register(metrics: readonly Metric[]): PromClient.Registry {
  const parts = load();
  const registry: PromClient.Registry = new parts.Registry();
  for (const metric of metrics) {
    if (metric.type === 'histogram') registerHistogram(metric, parts, registry);
    else registerNumber(metric, parts, registry);
  }
  return registry;
}

function registerNumber(metric: NumberMetric, parts: Parts, registry: PromClient.Registry): void {
  const { name, help, labels, read } = metric;
  const Kind = metric.type === 'counter' ? parts.Counter : parts.Gauge;
  const kept = new Kind({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    async collect() {
      const rows = await read();
      // What is gone is gone, and what is not known is not 0.
      kept.reset();
      if (labels.length === 0) kept.remove();
      for (const [values, value] of rows) kept.inc(labelsOf(metric, values), value);
    },
  });
}

function registerHistogram(metric: HistogramMetric, parts: Parts, registry: PromClient.Registry): void {
  const { name, help, labels, read } = metric;
  class ReadHistogram extends parts.Histogram {
    /** What its registry asks for. prom-client has no other way in for numbers that were counted elsewhere. */
    async getForPromString(): Promise<object> {
      const values = Array.from(await read(), (row) => linesOf(metric, row)).flat();
      return { name, help, type: 'histogram', values };
    }
  }
  // It registers itself.
  void new ReadHistogram({ name, help, labelNames: [...labels], registers: [registry] });
}

type Labels = Readonly<Record<string, string>>;

function labelsOf({ labels }: Metric, values: readonly string[]): Labels {
  return Object.fromEntries(labels.map((label, place) => [label, values[place] ?? '']));
}

interface HistogramLine {
  readonly metricName: string;
  readonly labels: Labels;
  readonly value: number;
}

function linesOf(metric: Metric, [values, distribution]: Row<Distribution>): HistogramLine[] {
  const { name } = metric;
  const labels = labelsOf(metric, values);
  const buckets = distribution.cumulative();
  return [
    ...buckets.map(([bound, count]) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bound === Infinity ? '+Inf' : String(bound) },
      value: count,
    })),
    { metricName: `${name}_sum`, labels, value: distribution.sum },
    { metricName: `${name}_count`, labels, value: buckets.at(-1)?.[1] ?? 0 },
  ];
}
