/**
 * What the proxy lets be seen of itself: counts that its wiring feeds, and views of what lives in its rooms, which it is
 * given once the proxy stands. Before that there is nothing to see, and it says so.
 */
import { counter, gauge, rowsOf, single } from '../../shared/metrics/metric.ts';
import type { Metric } from '../../shared/metrics/metric.ts';
import { memoryMetrics, noMemory } from '../../shared/metrics/memory-metrics.ts';
import type { MemoryView } from '../../shared/metrics/memory-metrics.ts';
import { processMetrics } from '../../shared/metrics/process-metrics.ts';
import type { ExchangeRecord } from '../exchange.ts';
import type { TunnelReport } from '../routing/tunnel.ts';
import { CodeCounts, ExchangeCounts } from './exchange-counts.ts';
import { exchangeMetrics } from './exchange-metrics.ts';
import { tunnelMetrics } from './tunnel-metrics.ts';
import { stateOf } from './tunnel-state.ts';

export interface ProxyViews {
  readonly memory: MemoryView;
  tunnels(): readonly TunnelReport[];
  /** Of clients, idle ones among them. */
  connections(): number;
  /** Requests that wait for an agent. */
  waiting(): number;
}

const nothing: ProxyViews = { memory: noMemory, tunnels: () => [], connections: () => 0, waiting: () => 0 };

export class ProxyWatch {
  /** It listens and is not stopping. */
  isReady = false;
  views = nothing;
  readonly exchanges = new ExchangeCounts();
  readonly #agentsRefused = new CodeCounts();
  readonly #connectionsRefused = new CodeCounts();
  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
  }

  /** A request at the agents' door is over: no exchange of a client. */
  agentAnswered({ code }: ExchangeRecord): void {
    if (code !== undefined) this.#agentsRefused.add(code);
  }

  connectionRefused(code: string): void {
    this.#connectionsRefused.add(code);
  }

  linkOpened(backendId: string): void {
    this.exchanges.backends.of(backendId).linksOpened += 1;
  }

  metrics(): readonly Metric[] {
    return [
      gauge('inverting_proxy_info', ['version'], 'Always 1; its label is the version of the program.', () => [
        [[this.#version], 1],
      ]),
      ...exchangeMetrics(this.exchanges),
      ...tunnelMetrics(this.exchanges.backends, () => this.views.tunnels()),
      ...memoryMetrics('inverting_proxy', () => this.views.memory),
      ...this.#doorMetrics(),
      ...processMetrics(),
    ];
  }

  /** What /api/tunnels says. */
  tunnels(): readonly object[] {
    return this.views.tunnels().map((report) => ({
      id: report.id,
      backend: report.backendId,
      instance: report.instance,
      version: report.version,
      since: new Date(report.sinceMs).toISOString(),
      address: report.address,
      routes: report.routes.map(({ host, path }) => `${host}${path}`),
      state: stateOf(report),
      load: report.load,
      roundTripMs: report.roundTripMs,
      heldBytes: report.heldBytes,
      stalledWindows: report.stalledWindows,
    }));
  }

  #doorMetrics(): Metric[] {
    return [
      gauge(
        'inverting_proxy_client_connections',
        [],
        'Connections of clients that are open, idle ones among them.',
        () => single(this.views.connections()),
      ),
      gauge('inverting_proxy_waiting_exchanges', [], 'Requests that wait for an agent to come back.', () =>
        single(this.views.waiting()),
      ),
      counter(
        'inverting_proxy_connections_refused_total',
        ['code'],
        'Connections that were reset before anything was read of them, by code.',
        () => rowsOf(this.#connectionsRefused.entries()),
      ),
      counter(
        'inverting_proxy_agents_refused_total',
        ['code'],
        "Requests at the agents' door that were not let in, by code.",
        () => rowsOf(this.#agentsRefused.entries()),
      ),
    ];
  }
}
