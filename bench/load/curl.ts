/** Large transfers by curl. One that is not answered by 200 and all of its bytes is no measurement and is rejected. */
import type { Child } from '../machine/child.ts';
import { toolPath } from '../machine/tools.ts';
import type { Workbench } from '../machine/workbench.ts';
import { numbersOf } from './numbers.ts';

export interface Transfer {
  readonly seconds: number;
  /** To the first byte of the answer, connecting included. */
  readonly firstByteMs: number;
}

/** A transfer that takes longer has got stuck: 1 GiB in it is 9 MB/s. */
const withinMs = 120_000;
const common = ['-sS', '--http1.1', '--noproxy', '*', '-k'];
const format =
  '\n{"code":%{http_code},"down":%{size_download},"up":%{size_upload},"first":%{time_starttransfer},"total":%{time_total}}\n';
const reported = ['code', 'down', 'up', 'first', 'total'] as const;

export async function download(bench: Workbench, url: string, bytes: number): Promise<Transfer> {
  const args = [...common, '-o', '/dev/null', '-w', format, url];
  const result = numbersOf(await bench.run(toolPath('curl'), args, withinMs), reported);
  if (result.code !== 200 || result.down !== bytes)
    throw new Error(`${url} answered ${result.code} with ${result.down} of ${bytes} bytes`);
  return { seconds: result.total, firstByteMs: result.first * 1_000 };
}

/** The sink answers with how many bytes it got. */
export async function upload(bench: Workbench, url: string, file: string, bytes: number): Promise<Transfer> {
  const args = [...common, '-T', file, '-H', 'Expect:', '-w', format, url];
  const output = await bench.run(toolPath('curl'), args, withinMs);
  const result = numbersOf(output, reported);
  const got = /^bytes (\d+)$/m.exec(output)?.[1];
  if (result.code !== 200 || Number(got) !== bytes)
    throw new Error(`${url} answered ${result.code} and got ${got} of ${bytes} bytes`);
  return { seconds: result.total, firstByteMs: result.first * 1_000 };
}

/** Downloads it again and again until it is stopped. */
export function downloadEndlessly(bench: Workbench, url: string): Child {
  const tenThousandTimes = `${url}?[1-10000]`;
  return bench.spawn(toolPath('curl'), [...common, '-o', '/dev/null', tenThousandTimes]);
}

/** Downloads it as a slow reader does, until it is stopped. */
export function downloadSlowly(bench: Workbench, url: string, bytesPerSecond: number): Child {
  const args = [...common, '-o', '/dev/null', '--limit-rate', String(bytesPerSecond), url];
  return bench.spawn(toolPath('curl'), args);
}
