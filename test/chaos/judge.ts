/** What a run has shown, held to what must be: pure, so that runs that went wrong can be made up and judged. */
import { allowedGrowth, type MemoryRow } from './memory.ts';
import type { Tally } from './tally.ts';

export interface RunFacts {
  /** Nothing but restarts in order happened. */
  readonly isGraceful: boolean;
  /** While there was trouble. */
  readonly tally: Tally;
  /** Afterwards, when all was back. */
  readonly calm: Tally;
  readonly memory: readonly MemoryRow[];
  /** Programs that ended by themselves or not with 0, and what did not come back. */
  readonly faults: readonly string[];
  /** Uploads that came to a clean end at the backend and were not what had been sent. */
  readonly backendFaults: number;
}

const never = ['short', 'hung', 'wrong'] as const;
const neverInPeace = ['broken', ...never] as const;

/** A sentence for each thing that must not be; none: the run is a good one. */
export function judge(facts: RunFacts): string[] {
  const { isGraceful, tally, calm, memory, faults, backendFaults } = facts;
  return [
    ...judgeTally('', tally, isGraceful ? neverInPeace : never),
    ...judgeTally(' after the trouble', calm, neverInPeace),
    ...memory
      .filter(({ beforeBytes, afterBytes }) => !(afterBytes <= beforeBytes * allowedGrowth))
      .map(
        ({ name, beforeBytes, afterBytes }) => `${name} grew from ${mb(beforeBytes)} to ${mb(afterBytes)}`,
      ),
    ...faults,
    ...(backendFaults === 0
      ? []
      : [`${backendFaults} uploads came to a clean end at the backend before their end`]),
  ];
}

function judgeTally(when: string, tally: Tally, verdicts: typeof neverInPeace | typeof never): string[] {
  const bad = verdicts
    .filter((verdict) => tally.count(verdict) > 0)
    .map((verdict) => `${tally.count(verdict)} ${verdict}${when}`);
  // A load of which nothing came through shows nothing.
  const idle = tally.kinds
    .filter((kind) => tally.count('right', kind) === 0)
    .map((kind) => `${kind}: not one right answer${when}`);
  return [...bad, ...idle];
}

export function memoryTable(rows: readonly MemoryRow[]): string[] {
  return [
    `${'memory'.padEnd(12)}${'before'.padStart(9)}${'after'.padStart(9)}${'ratio'.padStart(9)}`,
    ...rows.map(({ name, beforeBytes, afterBytes, wasRestarted }) => {
      const ratio = `${((100 * afterBytes) / beforeBytes).toFixed(0)} %`;
      const note = wasRestarted ? '  restarted: held to the mean of its kind' : '';
      return `${name.padEnd(12)}${mb(beforeBytes).padStart(9)}${mb(afterBytes).padStart(9)}${ratio.padStart(9)}${note}`;
    }),
  ];
}

function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
