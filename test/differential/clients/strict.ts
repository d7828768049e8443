/**
 * A client that reads the connection to its end: nothing may stand behind the answer, and no byte of it may be written
 * otherwise than the edge means to.
 */
import { play } from '../play.ts';
import type { Client, Fetched, FetchRequest } from './client.ts';

export function createStrictClient(port: number, withinMs: number): Client {
  return {
    name: 'strict',
    concurrency: 8,
    readsEveryInterim: true,
    fetch: (request) => fetch(request, port, withinMs),
    stop: async () => undefined,
  };
}

async function fetch({ method, host, path }: FetchRequest, port: number, withinMs: number): Promise<Fetched> {
  const message = Buffer.from(
    `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nTE: trailers\r\nConnection: TE\r\n\r\n`,
    'latin1',
  );
  const { answers, wrong, leaving } = await play({
    port,
    pieces: [message],
    halfClosesAtOnce: false,
    answers: 1,
    methods: [method],
    whole: 1,
    withinMs,
  });
  const [answer, second] = answers;
  const error = second === undefined ? wrong : `${answers.length} answers`;
  if (answer === undefined) return { status: 0, body: '', proxyStatus: undefined, error: error ?? leaving };
  const { status, body, proxyStatus } = answer;
  return { status, body: body.toString('latin1'), proxyStatus, error };
}
