/**
 * A client that reads the connection to its end: nothing may stand behind the answer, and no byte of it may be written
 * otherwise than the edge means to.
 */
import { patienceMs, play } from '../play.ts';
import type { Client, Fetched, FetchRequest } from './client.ts';

export function createStrictClient(port: number): Client {
  return {
    name: 'strict',
    concurrency: 8,
    readsEveryInterim: true,
    knowsNoBody: true,
    fetch: (request) => fetch(request, port),
    stop: async () => undefined,
  };
}

async function fetch({ method, host, path }: FetchRequest, port: number): Promise<Fetched> {
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
    withinMs: patienceMs,
  });
  const [answer, second] = answers;
  const error = second === undefined ? wrong : `${answers.length} answers`;
  if (answer === undefined) return { status: 0, body: '', proxyStatus: undefined, error: error ?? leaving };
  const { status, body, proxyStatus } = answer;
  return { status, body: body.toString('latin1'), proxyStatus, error };
}
