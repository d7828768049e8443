/** How much of its memory budget a program has given away, as metrics. It does not know to whom. */
import { counter, gauge, single } from './metric.ts';
import type { Metric } from './metric.ts';

export interface MemoryView {
  readonly limitBytes: number;
  readonly reservedBytes: number;
  readonly refusedStreams: number;
}

/** Of a program that does not run yet. */
export const noMemory: MemoryView = { limitBytes: 0, reservedBytes: 0, refusedStreams: 0 };

export function memoryMetrics(program: string, view: () => MemoryView): readonly Metric[] {
  return [
    gauge(`${program}_memory_budget_bytes`, [], 'MEMORY_BUDGET: what all exchanges together may hold.', () =>
      single(view().limitBytes),
    ),
    gauge(
      `${program}_memory_reserved_bytes`,
      [],
      'Of the budget: what the exchanges that are open could come to hold. What they do hold is less.',
      () => single(view().reservedBytes),
    ),
    counter(
      `${program}_streams_refused_total`,
      [],
      'Streams that were not opened because the budget had no room for one more.',
      () => single(view().refusedStreams),
    ),
  ];
}
