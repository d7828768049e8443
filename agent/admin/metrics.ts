/** The agent's links, its backend and what it has served, as metrics: read when somebody asks. */
import { counter, gauge, rowsOf, single } from '../../shared/metrics/metric.ts';
import type { Metric } from '../../shared/metrics/metric.ts';
import { memoryMetrics } from '../../shared/metrics/memory-metrics.ts';
import { oncePerTurn } from '../../shared/metrics/once-per-turn.ts';
import type { AgentWatch, LinkView } from './watch.ts';

export function agentMetrics(watch: AgentWatch, version: string): readonly Metric[] {
  return [
    gauge('inverting_agent_info', ['version'], 'Always 1; its label is the version of the program.', () => [
      [[version], 1],
    ]),
    ...linkMetrics(watch),
    ...memoryMetrics('inverting_agent', () => watch.views.memory),
    ...backendMetrics(watch),
  ];
}

function linkMetrics(watch: AgentWatch): Metric[] {
  const links = oncePerTurn(() => watch.views.links());
  const sum = (read: (link: LinkView) => number): number =>
    links().reduce((total, link) => total + read(link), 0);
  return [
    gauge('inverting_agent_links', ['state'], 'Links to the proxy that are up: serving or leaving.', () =>
      rowsOf([
        ['serving', sum(({ isAccepting }) => (isAccepting ? 1 : 0))],
        ['leaving', sum(({ isAccepting }) => (isAccepting ? 0 : 1))],
      ]),
    ),
    counter(
      'inverting_agent_links_opened_total',
      [],
      'Links that have come up; what it grows by beyond the first ones are reconnects.',
      () => single(watch.views.dials().linksOpened),
    ),
    counter(
      'inverting_agent_dials_failed_total',
      ['reason'],
      'Dials that brought no link: unreachable (no answer) or refused (the proxy said no).',
      () => {
        const { unreachable, refused } = watch.views.dials();
        return rowsOf([
          ['unreachable', unreachable],
          ['refused', refused],
        ]);
      },
    ),
    gauge('inverting_agent_streams', [], 'Exchanges that are open now, WebSockets among them.', () =>
      single(sum(({ load }) => load)),
    ),
    counter('inverting_agent_streams_total', [], 'Exchanges that were begun.', () =>
      single(watch.streamsServed),
    ),
    gauge('inverting_agent_held_bytes', [], 'Bytes that wait for a link or for the backend.', () =>
      single(sum(({ heldBytes }) => heldBytes)),
    ),
    gauge(
      'inverting_agent_stalled_windows',
      ['direction'],
      'Streams whose sender waits because its reader does not read: to_backend (uploads) or to_client (downloads).',
      () =>
        rowsOf([
          ['to_backend', sum(({ stalledWindows }) => stalledWindows.toBackend)],
          ['to_client', sum(({ stalledWindows }) => stalledWindows.toClient)],
        ]),
    ),
    gauge(
      'inverting_agent_round_trip_seconds',
      [],
      'Round trip to the proxy by the last pings, the longest of the links.',
      () => single(longestRoundTrip(links())),
    ),
  ];
}

function backendMetrics(watch: AgentWatch): Metric[] {
  return [
    gauge(
      'inverting_agent_backend_up',
      [],
      'Whether the backend serves, by what the looks at it have found: 1 or 0. Not there where nobody looks.',
      () => single(watch.isBackendWell === undefined ? undefined : Number(watch.isBackendWell)),
    ),
    gauge(
      'inverting_agent_backend_connections',
      ['state'],
      'Connections to the backend: busy with an exchange, or idle and ready for one.',
      () => {
        const { open, idle } = watch.views.connections();
        return rowsOf([
          ['busy', open - idle],
          ['idle', idle],
        ]);
      },
    ),
    counter(
      'inverting_agent_backend_failures_total',
      ['code'],
      'Exchanges whose backend failed, by the word that the log has for it in `failure`.',
      () => rowsOf(watch.backendFailures.entries().map(([code, { count }]) => [code, count] as const)),
    ),
  ];
}

function longestRoundTrip(links: readonly LinkView[]): number | undefined {
  const known = links.map(({ roundTripMs }) => roundTripMs).filter((ms) => ms !== undefined);
  return known.length === 0 ? undefined : Math.max(...known) / 1_000;
}
