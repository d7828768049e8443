/** Node's own client. With its connections kept, what is left over from one answer would be the next one's. */
import { Agent, request as ask } from 'node:http';
import type { Client, Fetched, FetchRequest } from './client.ts';

const concurrency = 6;

/** `keeps`: whether a connection serves one request after another. */
export function createNodeClient(port: number, keeps: boolean, withinMs: number): Client {
  const agent = new Agent({ keepAlive: keeps, maxSockets: concurrency });
  return {
    name: 'node',
    concurrency,
    readsEveryInterim: true,
    fetch: (request) => fetch(request, { port, agent, timeout: withinMs }),
    stop: async () => agent.destroy(),
  };
}

function fetch(
  { method, host, path }: FetchRequest,
  options: { readonly port: number; readonly agent: Agent; readonly timeout: number },
): Promise<Fetched> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let status = 0;
    let proxyStatus: string | undefined;
    const tell = (error?: string): void => {
      resolve({ status, proxyStatus, error, body: Buffer.concat(pieces).toString('latin1') });
    };
    const asked = ask({
      ...options,
      method,
      path,
      host: '127.0.0.1',
      headers: { Host: host },
      maxHeaderSize: 128 * 1024,
    });
    asked.on('response', (response) => {
      status = response.statusCode ?? 0;
      proxyStatus = response.headers['proxy-status']?.toString();
      response.on('data', (bytes: Buffer) => pieces.push(bytes));
      response.on('end', () => tell(response.complete ? undefined : 'not complete'));
      response.on('error', (error) => tell(error.message));
    });
    asked.on('timeout', () => asked.destroy(new Error('silence')));
    asked.on('error', (error) => tell(error.message));
    asked.end();
  });
}
