/**
 * A client that is a Python program: it gets a line of JSON for each request and gives one for each answer. `keeps`: whether
 * a connection serves one request after another.
 */
import { fileURLToPath } from 'node:url';
import { findPython } from '../backends/installed.ts';
import { Child, pythonEnv } from '../child.ts';
import type { Client, Fetched } from './client.ts';

const concurrency = 6;

export async function startPythonClient(
  name: string,
  file: string,
  module: string,
  port: number,
  keeps: boolean,
): Promise<Client> {
  const program = await findPython(module);
  if (program === undefined) throw new Error(`${name} is not installed`);
  const waiting = new Map<number, (fetched: Fetched) => void>();
  const path = fileURLToPath(new URL(file, import.meta.url));
  const child = new Child(
    `${name} client`,
    program,
    [path, String(port), String(concurrency), keeps ? 'keep' : 'fresh'],
    {
      env: pythonEnv,
      onLine: (line) => {
        if (line === 'ready') return 0;
        const { id, status, body, ours, error } = parse(line);
        waiting.get(id)?.({
          status,
          body,
          proxyStatus: ours === '' ? undefined : ours,
          error: error === '' ? undefined : error,
        });
        waiting.delete(id);
        return undefined;
      },
    },
  );
  await child.ready;
  return {
    name,
    concurrency,
    // http.client knows 100 alone.
    readsEveryInterim: name !== 'python',
    fetch: (request) =>
      new Promise((resolve) => {
        waiting.set(request.id, resolve);
        child.write(JSON.stringify(request));
      }),
    stop: () => child.stop(),
  };
}

interface Line {
  readonly id: number;
  readonly status: number;
  readonly body: string;
  readonly ours: string;
  readonly error: string;
}

function parse(line: string): Line {
  const parsed: unknown = JSON.parse(line);
  if (!isLine(parsed)) throw new Error(`no answer of a client: ${line.slice(0, 200)}`);
  return parsed;
}

function isLine(parsed: unknown): parsed is Line {
  if (typeof parsed !== 'object' || parsed === null) return false;
  const numbers = ['id', 'status'].every((name) => typeof Reflect.get(parsed, name) === 'number');
  return numbers && ['body', 'ours', 'error'].every((name) => typeof Reflect.get(parsed, name) === 'string');
}
