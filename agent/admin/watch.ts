/**
 * What the agent lets be seen of itself: counts that its wiring feeds, and views of what lives in its rooms, which it is
 * given once the agent runs. Before that there is nothing to see, and it says so.
 */
import { BoundedNames } from '../../shared/metrics/bounded-names.ts';
import type { Metric } from '../../shared/metrics/metric.ts';
import { noMemory } from '../../shared/metrics/memory-metrics.ts';
import type { MemoryView } from '../../shared/metrics/memory-metrics.ts';
import { processMetrics } from '../../shared/metrics/process-metrics.ts';
import { agentMetrics } from './metrics.ts';

/** One link to the proxy that has been welcomed. */
export interface LinkView {
  /** The proxy's name for itself. */
  readonly node: string;
  /** Wall-clock time, in milliseconds. */
  readonly sinceMs: number;
  readonly isAccepting: boolean;
  /** Exchanges in flight. */
  readonly load: number;
  /** Of the last ping; undefined before the first. */
  readonly roundTripMs: number | undefined;
  readonly heldBytes: number;
  /** Streams whose sender waits for a reader, by the way their bytes go. */
  readonly stalledWindows: { readonly toBackend: number; readonly toClient: number };
}

export interface AgentViews {
  readonly memory: MemoryView;
  links(): readonly LinkView[];
  /** Since the start: links that were welcomed, and dials that brought none. */
  dials(): { readonly linksOpened: number; readonly unreachable: number; readonly refused: number };
  /** To the backend: all, and those of them that wait for work. */
  connections(): { readonly open: number; readonly idle: number };
}

const nothing: AgentViews = {
  memory: noMemory,
  links: () => [],
  dials: () => ({ linksOpened: 0, unreachable: 0, refused: 0 }),
  connections: () => ({ open: 0, idle: 0 }),
};

/** Codes are literals of this program: the bound is there for the day when one is not. */
const maxCodes = 100;

export class AgentWatch {
  views = nothing;
  isStopping = false;
  /** What the probes of the backend say; undefined where it is not probed, or not yet. */
  isBackendWell: boolean | undefined;
  streamsServed = 0;
  readonly backendFailures = new BoundedNames(maxCodes, () => ({ count: 0 }));
  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
  }

  /** Requests can come: a link is up and takes them. */
  get isReady(): boolean {
    return !this.isStopping && this.views.links().some(({ isAccepting }) => isAccepting);
  }

  metrics(): readonly Metric[] {
    return [...agentMetrics(this, this.#version), ...processMetrics()];
  }

  /** What /api/tunnels says. */
  tunnels(): readonly object[] {
    return this.views.links().map((link) => ({
      node: link.node,
      since: new Date(link.sinceMs).toISOString(),
      state: link.isAccepting ? 'serving' : 'leaving',
      load: link.load,
      roundTripMs: link.roundTripMs,
      heldBytes: link.heldBytes,
      stalledWindows: link.stalledWindows,
    }));
  }
}
