/** Memory of all processes of a target together: idle, for each idle WebSocket, and at its peak under a slow reader. Rss; Pss beside. */
import { setTimeout } from 'node:timers/promises';
import { downloadSlowly } from '../load/curl.ts';
import { openIdle } from '../load/websocket.ts';
import { readMemory } from '../machine/memory.ts';
import type { Memory } from '../machine/memory.ts';
import { Unavailable } from '../machine/tools.ts';
import type { Row, Sample } from './row.ts';
import type { Target } from '../targets/target.ts';

const bytesPerMiB = 1_048_576;
/** For what was begun by the last event to end, a collection of garbage among it. */
const settleMs = 1_000;
/** Opened and closed first, so that what only the first of them cost is not counted. */
const firstWebSockets = 100;
const slowBytesPerSecond = 1_000_000;
const sampleEveryMs = 100;

const common = { place: 'near', isFresh: true, needsProcesses: true } as const;

export const idleMemoryRow: Row = {
  ...common,
  name: 'memory-idle',
  title: 'memory idle, a moment after its start and its first answer',
  unit: 'MiB',
  backend: 'nginx',
  async measure(target): Promise<Sample> {
    await setTimeout(settleMs);
    const { rssBytes, pssBytes } = memoryOf(target);
    return { figure: rssBytes / bytesPerMiB, beside: { 'Pss MiB': pssBytes / bytesPerMiB } };
  },
};

export const webSocketMemoryRow: Row = {
  ...common,
  name: 'memory-websocket',
  title: 'memory for each idle WebSocket',
  unit: 'KiB',
  backend: 'small',
  async measure(target, { bench, idleWebSockets }): Promise<Sample> {
    const first = await openIdle(bench, target.url, firstWebSockets);
    await first.stop();
    await setTimeout(settleMs);
    const before = memoryOf(target);
    const held = await openIdle(bench, target.url, idleWebSockets);
    await setTimeout(settleMs);
    const after = memoryOf(target);
    if (!held.isRunning) throw new Error(`the idle WebSockets: ${held.output}`);
    await held.stop();
    const each = (bytes: number): number => bytes / idleWebSockets / 1_024;
    return {
      figure: each(after.rssBytes - before.rssBytes),
      beside: { 'Pss KiB': each(after.pssBytes - before.pssBytes), open: idleWebSockets },
    };
  },
};

export const slowReaderRow: Row = {
  ...common,
  name: 'memory-slow-reader',
  title: 'growth of memory, at its peak, under a reader of 1 MB/s of 300 MB',
  unit: 'MiB',
  hasNoRatio: true,
  backend: 'nginx',
  async measure(target, { bench, seconds }): Promise<Sample> {
    await setTimeout(settleMs);
    const before = memoryOf(target);
    const reader = downloadSlowly(bench, new URL('files/slow', target.url).href, slowBytesPerSecond);
    let peakBytes = before.rssBytes;
    // It would read for five minutes; whatever fills, fills in the first seconds.
    const untilMs = performance.now() + 2_000 * seconds;
    while (performance.now() < untilMs) {
      // oxlint-disable-next-line no-await-in-loop -- one look after the other
      await setTimeout(sampleEveryMs);
      if (!reader.isRunning) throw new Error(`the slow reader has ended: ${reader.output}`);
      peakBytes = Math.max(peakBytes, memoryOf(target).rssBytes);
    }
    await reader.kill();
    return { figure: (peakBytes - before.rssBytes) / bytesPerMiB };
  },
};

function memoryOf(target: Target): Memory {
  const memory = readMemory(target.pids);
  if (memory.rssBytes === 0) throw new Unavailable('the kernel does not say (/proc/PID/smaps_rollup)');
  return memory;
}
