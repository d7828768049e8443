/** WebSockets by helper processes of their own, whose cost is the load's and not the target's. */
import { fileURLToPath } from 'node:url';
import type { Child } from '../machine/child.ts';
import { until } from '../machine/waiting.ts';
import type { Workbench } from '../machine/workbench.ts';
import { numbersOf } from './numbers.ts';

export interface EchoOptions {
  readonly connections: number;
  readonly payloadBytes: number;
  readonly seconds: number;
}

const load = fileURLToPath(new URL('../programs/websocket-load.ts', import.meta.url));
const idle = fileURLToPath(new URL('../programs/websocket-idle.ts', import.meta.url));
const openWithinMs = 30_000;

export async function echo(
  bench: Workbench,
  url: URL,
  { connections, payloadBytes, seconds }: EchoOptions,
): Promise<Record<'messages' | 'durationUs' | 'p50Us' | 'p99Us', number>> {
  const args = [load, url.href, ...[connections, payloadBytes, seconds].map(String)];
  const output = await bench.run(process.execPath, args, openWithinMs + seconds * 1_000);
  const result = numbersOf(output, ['messages', 'durationUs', 'p50Us', 'p99Us']);
  if (result.messages === 0) throw new Error(`no message came back from ${url.href}`);
  return result;
}

/** Resolves when all of them are open; they stay so until the child is stopped. */
export async function openIdle(bench: Workbench, url: URL, count: number): Promise<Child> {
  const child = bench.spawn(process.execPath, [idle, url.href, String(count)]);
  await until(
    openWithinMs,
    () => `${count} WebSockets at ${url.href}: ${child.output}`,
    () => {
      if (!child.isRunning) throw new Error(`WebSockets at ${url.href}: ${child.output}`);
      return child.output.includes('"open"') || undefined;
    },
  );
  return child;
}
