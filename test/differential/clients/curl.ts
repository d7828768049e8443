/** curl, many requests to a process, so that it keeps its connections: it says how each went in a line of its own. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, makeDirectory } from '../backends/installed.ts';
import type { Client, Fetched, FetchRequest } from './client.ts';

/** So many requests go to one process. */
const concurrency = 24;
const gatherMs = 20;

interface Waiting {
  readonly request: FetchRequest;
  readonly resolve: (fetched: Fetched) => void;
}

export async function startCurlClient(port: number): Promise<Client> {
  const program = await findProgram('curl');
  if (program === undefined) throw new Error('curl is not installed');
  const directory = await makeDirectory('curl');
  let gathered: Waiting[] = [];
  let isFlushing = false;
  const flush = async (): Promise<void> => {
    isFlushing = false;
    const batch = gathered;
    gathered = [];
    const output = await run(
      program,
      batch.map(({ request }) => optionsOf(request, port, directory.path)).join('next\n'),
    );
    await Promise.all(
      batch.map(async ({ request, resolve }) => resolve(await resultOf(request, output, directory.path))),
    );
  };
  return {
    name: 'curl',
    concurrency,
    readsEveryInterim: true,
    fetch: (request) =>
      new Promise((resolve) => {
        gathered.push({ request, resolve });
        if (isFlushing) return;
        isFlushing = true;
        setTimeout(() => void flush(), gatherMs);
      }),
    stop: directory.remove,
  };
}

function optionsOf({ id, method, host, path }: FetchRequest, port: number, directory: string): string {
  const isHead = method === 'HEAD';
  return [
    `url = "http://127.0.0.1:${port}${path}"`,
    `header = "Host: ${host}"`,
    `output = "${join(directory, String(id))}"`,
    isHead ? 'head' : `request = "${method}"`,
    `write-out = "${id} %{http_code} %{exitcode} %header{proxy-status}\\n"`,
    'http1.1\nno-progress-meter\nmax-time = 15\n',
  ].join('\n');
}

/** Standard output; curl's exit code is that of the last request and says nothing here. */
function run(program: string, options: string): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(program, ['-q', '-K', '-'], (_, output) => resolve(output));
    child.stdin?.end(options);
  });
}

async function resultOf({ id, method }: FetchRequest, output: string, directory: string): Promise<Fetched> {
  const line = output.split('\n').find((text) => text.startsWith(`${id} `)) ?? '';
  const [, status = '0', exitCode = 'none', proxyStatus = ''] = /^\d+ (\d+) (\d+) (.*)$/.exec(line) ?? [];
  let body = '';
  // With `head` the file holds the head.
  if (method !== 'HEAD') body = await readFile(join(directory, String(id)), 'latin1').catch(() => '');
  return {
    status: Number(status),
    body,
    proxyStatus: proxyStatus === '' ? undefined : proxyStatus,
    error: exitCode === '0' ? undefined : `exit code ${exitCode}`,
  };
}
