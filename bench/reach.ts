/** What the tunnel is to reach, each figure with its bound: by ratio to another target in the same run, or outright. */
import { ratioOf, spreadOf } from './statistics.ts';
import type { Spread } from './statistics.ts';
import type { Outcome, RowOutcome } from './run.ts';

type Measure = 'figure' | 'p50Ms' | 'p99Ms' | 'cpuUs';

interface Goal {
  readonly title: string;
  /** Where there are several, the best of them counts. */
  readonly rows: readonly string[];
  readonly of: Measure;
  /** Whose figure is 1; without it the bound is in the row's own unit. */
  readonly to?: 'nginx' | 'direct';
  readonly bound: 'at most' | 'at least';
  readonly value: number;
  readonly unit: string;
}

export interface Verdict {
  readonly goal: Goal;
  /** Undefined: not measured in this run. */
  readonly ours: Spread | undefined;
  readonly isReached: boolean | undefined;
}

function times(
  title: string,
  rows: string | readonly string[],
  of: Measure,
  bound: Goal['bound'],
  value: number,
  to: 'nginx' | 'direct' = 'nginx',
): Goal {
  return { title, rows: [rows].flat(), of, bound, value, to, unit: `× ${to}` };
}

function absolute(title: string, row: string, value: number, unit: string): Goal {
  return { title, rows: [row], of: 'figure', bound: 'at most', value, unit };
}

export const goals: readonly Goal[] = [
  times('processor time a small request, 64 connections', 'small-64', 'cpuUs', 'at most', 1.5),
  times('the same, 1 connection', 'small-1', 'cpuUs', 'at most', 1.9),
  times('requests a second, 64 connections', 'small-64', 'figure', 'at least', 0.85),
  times('median latency, 1 connection', 'small-1', 'p50Ms', 'at most', 1.35),
  times('64 KiB answers, processor time a MB', 'page-64k', 'cpuUs', 'at most', 2.5),
  times('1 GiB down, one stream, plain or TLS: rate', ['down-1', 'down-1-tls'], 'figure', 'at least', 0.7),
  times('1 GiB up: rate', 'up-1', 'figure', 'at least', 0.9),
  times('p99 of small requests while downloads run', 'mixed', 'p99Ms', 'at most', 0.45),
  times('WebSocket echo, processor time a message', 'websocket', 'cpuUs', 'at most', 1.7),
  times('a connection for each request, processor time', 'close', 'cpuUs', 'at most', 2.5),
  absolute('memory for each idle WebSocket', 'memory-websocket', 20, 'KiB'),
  absolute('idle memory, both programs', 'memory-idle', 110, 'MiB'),
  absolute('growth under a slow reader, both programs', 'memory-slow-reader', 16, 'MiB'),
  times('a download over 50 ms, beside plain TCP', 'far-download', 'figure', 'at least', 0.95, 'direct'),
  absolute('from agent start to the first request served', 'start-agent', 150, 'ms'),
  absolute('proxy killed and started, to the first request served', 'restart-proxy', 400, 'ms'),
];

export function judge(results: readonly RowOutcome[], target = 'ours'): Verdict[] {
  return goals.map((goal) => {
    const spreads = goal.rows.flatMap((name) => {
      const outcomes = results.find(({ row }) => row.name === name)?.outcomes;
      const spread = outcomes === undefined ? undefined : spreadFor(goal, outcomes, target);
      return spread === undefined ? [] : [spread];
    });
    const sign = goal.bound === 'at most' ? 1 : -1;
    const [ours] = spreads.toSorted((a, b) => sign * (a.median - b.median));
    const isReached = ours === undefined ? undefined : sign * (ours.median - goal.value) <= 0;
    return { goal, ours, isReached };
  });
}

function spreadFor(goal: Goal, outcomes: readonly Outcome[], target: string): Spread | undefined {
  const values = valuesOf(outcomes, target, goal.of);
  return goal.to === undefined
    ? spreadOf(values.filter((value) => value !== undefined))
    : ratioOf(values, valuesOf(outcomes, goal.to, goal.of));
}

/** One place for each round of that target. */
export function valuesOf(outcomes: readonly Outcome[], target: string, of: Measure): (number | undefined)[] {
  const found = outcomes.find((outcome) => outcome.target === target);
  return (found?.samples ?? []).map((sample) => sample?.[of]);
}
