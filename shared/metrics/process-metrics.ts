/**
 * What any program says of its own process: memory, processor, event loop, files. The names are those that dashboards for
 * Node know. It knows no program, and measures nothing until somebody asks.
 */
import { readdir, readFile } from 'node:fs/promises';
import { EventLoopDelay } from './event-loop-delay.ts';
import { single } from './metric.ts';
import type { Metric, NumberMetric } from './metric.ts';
import { oncePerTurn } from './once-per-turn.ts';

export function processMetrics(): readonly Metric[] {
  const loop = new EventLoopDelay();
  const delay = oncePerTurn(() => loop.read());
  return [
    one('gauge', 'process_start_time_seconds', 'When the process started, in seconds since 1970.', () =>
      Math.round(performance.timeOrigin / 1_000),
    ),
    one('counter', 'process_cpu_seconds_total', 'Processor time of the process, user and system.', () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000_000;
    }),
    one(
      'counter',
      'nodejs_eventloop_active_seconds_total',
      'Time in which the event loop was at work; its rate is how busy the one thread is, and 1 is all it can.',
      () => performance.eventLoopUtilization().active / 1_000,
    ),
    late('p50', 'half of the times', () => delay().p50),
    late('p99', '99 of 100 times', () => delay().p99),
    late('max', 'at worst', () => delay().max),
    one('gauge', 'process_resident_memory_bytes', 'Memory of the process in RAM.', () =>
      process.memoryUsage.rss(),
    ),
    memory('nodejs_heap_size_used_bytes', 'Heap of JavaScript in use.', 'heapUsed'),
    memory('nodejs_heap_size_total_bytes', 'Heap of JavaScript that is reserved.', 'heapTotal'),
    memory('nodejs_external_memory_bytes', 'Memory that JavaScript holds outside its heap.', 'external'),
    one('gauge', 'process_open_fds', 'Open files, sockets among them. Linux only.', countOpenFiles),
    one('gauge', 'process_max_fds', 'Files that may be open at the same time. Linux only.', readMaxFiles),
  ];
}

/** Undefined: not known. */
type Read = () => number | undefined | Promise<number | undefined>;

function one(type: NumberMetric['type'], name: string, help: string, read: Read): NumberMetric {
  return { name, type, labels: [], help, read: async () => single(await read()) };
}

function late(which: string, when: string, read: Read): NumberMetric {
  const help = `How late the event loop came to its work, ${when}, since the scrape before.`;
  return one('gauge', `nodejs_eventloop_lag_${which}_seconds`, help, read);
}

function memory(name: string, help: string, part: 'heapUsed' | 'heapTotal' | 'external'): NumberMetric {
  return one('gauge', name, help, () => process.memoryUsage()[part]);
}

async function countOpenFiles(): Promise<number | undefined> {
  return (await orUnknown(readdir('/proc/self/fd')))?.length;
}

/** The line reads `Max open files   1024   1048576   files`, the soft limit first. */
async function readMaxFiles(): Promise<number | undefined> {
  const name = 'Max open files';
  const limits = await orUnknown(readFile('/proc/self/limits', 'utf8'));
  const line = limits?.split('\n').find((candidate) => candidate.startsWith(name));
  const soft = Number(line?.slice(name.length).trim().split(' ')[0]);
  return Number.isFinite(soft) ? soft : undefined;
}

/** Without /proc, or with one that this process may not read, the number is not known. */
async function orUnknown<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch {
    return undefined;
  }
}
