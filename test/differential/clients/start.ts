/** The clients there are: how each is started, and which are installed here. */
import { findProgram, findPython } from '../backends/installed.ts';
import { type ClientName, clientNames } from '../options.ts';
import type { Client, Pair } from './client.ts';
import { directPatienceMs, patienceMs } from '../play.ts';
import { startCurlClient } from './curl.ts';
import { createNodeClient } from './node.ts';
import { startPythonClient } from './python.ts';
import { createStrictClient } from './strict.ts';

interface Kind {
  readonly find: () => Promise<unknown>;
  readonly start: (port: number, keeps: boolean) => Promise<Client>;
  /** Whether it can be told to take a new connection for each request. */
  readonly canBeFresh: boolean;
  /**
   * http.client is none without the edge: it reads a chunked body behind 204 and 304, takes `chunked` with a blank behind it
   * for another coding, and `3, 3` for no length.
   */
  readonly isJudge: boolean;
}

const kinds: { readonly [Name in ClientName]: Kind } = {
  node: {
    find: async () => true,
    start: async (port, keeps) => createNodeClient(port, keeps, keeps ? patienceMs : directPatienceMs),
    canBeFresh: true,
    isJudge: true,
  },
  python: {
    find: () => findPython('http.client'),
    start: (...args) => startPythonClient('python', 'python_client.py', 'http.client', ...args),
    canBeFresh: true,
    isJudge: false,
  },
  h11: {
    find: () => findPython('h11'),
    start: (...args) => startPythonClient('h11', 'h11_client.py', 'h11', ...args),
    canBeFresh: true,
    isJudge: true,
  },
  curl: { find: () => findProgram('curl'), start: startCurlClient, canBeFresh: false, isJudge: false },
};

/** Those that were named, or all that are installed, and the strict one. Throws where a named one is not. */
export async function startClients(
  wanted: readonly ClientName[] | undefined,
  edgePort: number,
  backendPort: number,
): Promise<Pair[]> {
  const names = wanted ?? clientNames;
  const found = await Promise.all(names.map((name) => kinds[name].find()));
  const missing = names.filter((_, index) => found[index] === undefined);
  if (wanted !== undefined && missing.length > 0)
    throw new Error(`not installed here: ${missing.join(', ')}`);
  // Without the edge a backend's bytes may leave a client waiting for ever.
  const withinMs = edgePort === backendPort ? directPatienceMs : patienceMs;
  const pairs = names
    .filter((name) => !missing.includes(name))
    .map(async (name) => {
      const { start, canBeFresh, isJudge } = kinds[name];
      const [behind, before] = await Promise.all([
        start(edgePort, edgePort !== backendPort),
        canBeFresh ? start(backendPort, false) : undefined,
      ]);
      return { behind, before, isJudge };
    });
  return [
    { behind: createStrictClient(edgePort, withinMs), before: undefined, isJudge: false },
    ...(await Promise.all(pairs)),
  ];
}
