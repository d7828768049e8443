/** A request to an admin listener, as a tool sends it or as nobody should: any method and any fields. */
import { request } from 'node:http';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { patienceMs, within } from '../../e2e/support/deadline.ts';
import type { Program } from '../../e2e/support/program.ts';
import { says } from '../../e2e/support/program.ts';
import { readExposition } from './exposition.ts';
import type { Family } from './exposition.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Asking {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly host?: string;
  readonly body?: string | Uint8Array;
}

export async function ask(port: number, path: string, asking: Asking = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, host = '127.0.0.1', body: sent } = asking;
  const answered = Promise.withResolvers<Answer>();
  const asked = request({ host, port, path, method, headers, agent: false }, (response) => {
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (piece: string) => {
      body += piece;
    });
    response.on('end', () => {
      answered.resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
    });
    response.on('error', answered.reject);
  });
  asked.on('error', answered.reject);
  asked.end(sent);
  return within(patienceMs, () => `${method} ${path} of the admin listener`, answered.promise);
}

/** The port of a program's admin listener, as its log says it. */
export async function adminPortOf(program: Program): Promise<number> {
  const { port } = await program.line(says('admin listening'));
  if (typeof port !== 'number') throw new Error('"admin listening" without its port');
  return port;
}

/** What /metrics says now. */
export async function scrape(port: number, headers: OutgoingHttpHeaders = {}): Promise<Map<string, Family>> {
  const { status, headers: got, body } = await ask(port, '/metrics', { headers });
  if (status !== 200) throw new Error(`/metrics: ${status} ${body}`);
  if (got['content-type'] !== 'text/plain; version=0.0.4; charset=utf-8') {
    throw new Error(`/metrics is ${String(got['content-type'])}`);
  }
  return readExposition(body);
}
