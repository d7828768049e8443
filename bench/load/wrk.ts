/** Load by wrk. A load with an error in it is no measurement and is rejected. */
import { fileURLToPath } from 'node:url';
import { toolPath } from '../machine/tools.ts';
import type { Workbench } from '../machine/workbench.ts';
import { numbersOf } from './numbers.ts';

export interface WrkOptions {
  readonly connections: number;
  readonly seconds: number;
  /** Of every body: answers that are shorter are none. */
  readonly bodyBytes: number;
  readonly headers?: readonly string[];
}

export interface WrkResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const script = fileURLToPath(new URL('wrk.lua', import.meta.url));
/** What wrk takes beyond its time to connect and to write its result. */
const spareMs = 15_000;
const counted = ['requests', 'bytes', 'durationUs', 'p50Us', 'p99Us'] as const;
const failed = ['connect', 'read', 'write', 'timeout', 'status'] as const;

export async function wrk(bench: Workbench, url: string, options: WrkOptions): Promise<WrkResult> {
  const { connections, seconds, bodyBytes, headers = [] } = options;
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script];
  for (const header of headers) args.push('-H', header);
  const output = await bench.run(toolPath('wrk'), [...args, url], seconds * 1_000 + spareMs);
  const result = numbersOf(output, [...counted, ...failed]);
  const errors = failed.filter((kind) => result[kind] > 0).map((kind) => `${result[kind]} ${kind}`);
  if (errors.length > 0) throw new Error(`wrk met errors: ${errors.join(', ')} of ${result.requests}`);
  if (result.requests === 0 || result.bytes < result.requests * bodyBytes)
    throw new Error(`wrk got ${result.requests} answers of ${result.bytes} bytes in all`);
  return {
    requests: result.requests,
    perSecond: result.requests / (result.durationUs / 1e6),
    p50Ms: result.p50Us / 1_000,
    p99Ms: result.p99Us / 1_000,
  };
}
