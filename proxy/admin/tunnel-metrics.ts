/** Who is connected, as metrics: read from the tunnels themselves when somebody asks. */
import type { BoundedNames } from '../../shared/metrics/bounded-names.ts';
import { counter, gauge, rowsOf } from '../../shared/metrics/metric.ts';
import type { Metric, Row } from '../../shared/metrics/metric.ts';
import { oncePerTurn } from '../../shared/metrics/once-per-turn.ts';
import type { TunnelReport } from '../routing/tunnel.ts';
import type { BackendCounts } from './exchange-counts.ts';
import { stateOf } from './tunnel-state.ts';

type Read = (report: TunnelReport) => number;

export function tunnelMetrics(
  backends: BoundedNames<BackendCounts>,
  tunnels: () => readonly TunnelReport[],
): readonly Metric[] {
  const reports = oncePerTurn(tunnels);
  /** One row a tunnel: those of one backend add up. */
  const rows = (read: Read, ...more: string[]): Row<number>[] =>
    reports().map((report) => [[backends.labelOf(report.backendId), ...more], read(report)]);
  return [
    gauge(
      'inverting_proxy_links',
      ['backend', 'state'],
      'Links of agents: serving, unwell (the agent says that its backend does not answer) or leaving.',
      () => reports().map((report) => [[backends.labelOf(report.backendId), stateOf(report)], 1]),
    ),
    counter(
      'inverting_proxy_links_opened_total',
      ['backend'],
      'Links that agents have brought up; what it grows by beyond the first ones are reconnects.',
      () => rowsOf(backends.entries().map(([label, { linksOpened }]) => [label, linksOpened] as const)),
    ),
    gauge(
      'inverting_proxy_streams',
      ['backend'],
      'Streams on the links: exchanges, and those whose end has not left yet.',
      () => rows(({ load }) => load),
    ),
    gauge('inverting_proxy_held_bytes', ['backend'], 'Bytes that wait for a link or for a client.', () =>
      rows(({ heldBytes }) => heldBytes),
    ),
    gauge(
      'inverting_proxy_stalled_windows',
      ['backend', 'direction'],
      'Streams whose sender waits because its reader does not read: to_backend (uploads) or to_client (downloads).',
      () => [
        ...rows(({ stalledWindows }) => stalledWindows.toBackend, 'to_backend'),
        ...rows(({ stalledWindows }) => stalledWindows.toClient, 'to_client'),
      ],
    ),
    gauge(
      'inverting_proxy_round_trip_seconds',
      ['backend'],
      'Round trip to the agents by their last pings, the longest of each backend.',
      () => rowsOf(longestRoundTrips(backends, reports())),
    ),
  ];
}

function longestRoundTrips(
  backends: BoundedNames<BackendCounts>,
  reports: readonly TunnelReport[],
): Map<string, number> {
  const longest = new Map<string, number>();
  for (const { backendId, roundTripMs } of reports) {
    if (roundTripMs === undefined) continue;
    const label = backends.labelOf(backendId);
    longest.set(label, Math.max(longest.get(label) ?? 0, roundTripMs / 1_000));
  }
  return longest;
}
