/**
 * The listener that operators and their tools ask: a few pages to look at, and resources that can be changed, over plain
 * HTTP. node:http will do here: it is not where clients come. Who may ask is decided in doors.ts, what an answer says by
 * whoever made the page or the resource.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TunnelError } from '../errors/tunnel-error.ts';
import type { Log } from '../log/log.ts';
import { Doors } from './doors.ts';
import type { Door, Refused } from './doors.ts';
import { isLoopback } from '../net/loopback.ts';
import { handlerOf, methodsOf, readRequest, ResourceRefusal, Resources } from './resources.ts';
import type { Resource, ResourceAnswer } from './resources.ts';

export interface Page {
  readonly path: string;
  /** It tells nothing: no token is needed for it. */
  readonly isOpen?: true;
  answer(): PageAnswer | Promise<PageAnswer>;
}

export interface PageAnswer {
  readonly status: 200 | 503;
  readonly type: string;
  readonly body: string;
}

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly token: string | undefined;
  readonly pages: readonly Page[];
  readonly resources?: readonly Resource[] | undefined;
  readonly log: Log;
}

/** The port is taken, or may not be had; the message names the setting. */
export class ListenFailure extends TunnelError<'admin_port', undefined> {}

/** A scrape comes every few seconds, over one connection each; more are somebody's mistake. */
const maxConnections = 64;
/** Names of these pages are short, and so is a token. */
const maxHeaderBytes = 8 * 1024;
/** For the head, for all of a request, for each stretch of silence, and between two requests: nothing here takes long. */
const timeoutMs = 5_000;
/** How often the two deadlines of requests are looked at. */
const sweepMs = 1_000;
/** What a stopping program gives to answers that are under way. */
const farewellMs = 500;

const text = 'text/plain; charset=utf-8';
const jsonType = 'application/json';
const toLookAt = ['GET', 'HEAD'];

export class AdminListener {
  readonly #options: ListenerOptions;
  readonly #doors: Doors;
  readonly #pages: ReadonlyMap<string, Page>;
  readonly #resources: Resources;
  readonly #server: Server;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#doors = new Doors(options.token, isLoopback(options.host));
    this.#pages = new Map(options.pages.map((page) => [page.path, page]));
    this.#resources = new Resources(options.resources ?? []);
    // Imported by name it would be asked for all of its exports, and one of them loads a whole fetch: 3 MB.
    const { createServer } = process.getBuiltinModule('node:http');
    this.#server = createServer(
      {
        maxHeaderSize: maxHeaderBytes,
        headersTimeout: timeoutMs,
        requestTimeout: timeoutMs,
        keepAliveTimeout: timeoutMs,
        connectionsCheckingInterval: sweepMs,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = maxConnections;
    this.#server.timeout = timeoutMs;
  }

  /** @throws ListenFailure */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    const listening = Promise.withResolvers<void>();
    this.#server.once('error', listening.reject);
    this.#server.listen({ host, port }, listening.resolve);
    try {
      await listening.promise;
    } catch (cause) {
      throw failureOf(cause, host, port);
    }
    this.#server.off('error', listening.reject);
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP listener has an address');
    return address;
  }

  /** No new requests; settles when the running ones have their answers, or a moment later. */
  async close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    const timer = setTimeout(() => this.#server.closeAllConnections(), farewellMs);
    await closed.promise;
    clearTimeout(timer);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', headers, url = '' } = request;
    const queryAt = url.indexOf('?');
    const path = queryAt === -1 ? url : url.slice(0, queryAt);
    const page = this.#pages.get(path);
    const found = page === undefined ? this.#resources.find(path) : undefined;
    const door: Door = {
      isOpen: page?.isOpen === true,
      methods: found === undefined ? toLookAt : methodsOf(found.resource),
    };
    const refused = this.#doors.refusalOf({ method, headers }, door);
    if (refused !== undefined) {
      sendRefused(response, refused, found !== undefined);
      return;
    }
    if (page === undefined && found === undefined) {
      const paths = [...this.#pages.keys(), ...this.#resources.paths].join(' ');
      send(response, 404, text, `There is no such page. These are there: ${paths}\n`);
      return;
    }
    try {
      if (page !== undefined) {
        const { status, type, body } = await page.answer();
        send(response, status, type, body);
      } else if (found !== undefined) await serveResource(found, method, request, response);
    } catch (error) {
      // Whoever went away in the middle of the body is told nothing, and that is no failure.
      if (request.destroyed && !request.complete) return;
      this.#options.log.error({ page: path, error }, 'admin page failed');
      if (!response.headersSent)
        send(response, 500, text, 'This page could not be made; the log says why.\n');
    }
  }
}

async function serveResource(
  { resource, id }: { readonly resource: Resource; readonly id: string },
  method: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const handler = handlerOf(resource, method);
  if (handler === undefined) throw new Error('a method that the doors let pass has a handler');
  let answer: ResourceAnswer;
  try {
    answer = await handler(await readRequest(request, id));
  } catch (error) {
    if (!(error instanceof ResourceRefusal)) throw error;
    const { code, message, answer: said } = error;
    // What may still come of the body is not read.
    const fields = request.complete ? {} : { Connection: 'close' };
    send(response, said.status, jsonType, writeJson({ code, reason: message }), fields);
    return;
  }
  const { status, json, headers } = answer;
  send(response, status, jsonType, json === undefined ? '' : writeJson(json), headers);
}

function sendRefused(response: ServerResponse, refused: Refused, isResource: boolean): void {
  const { status, code, sentence, headers } = refused;
  // What may still come of it is not read.
  const fields = { ...headers, Connection: 'close' };
  if (isResource) send(response, status, jsonType, writeJson({ code, reason: sentence }), fields);
  else send(response, status, text, `${sentence}\n`, fields);
}

function writeJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    // A 204 has neither (RFC 9110 §8.6).
    ...(status === 204 ? {} : { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) }),
    'Cache-Control': 'no-store',
    // No page of another origin may use it in any way, not even unread.
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Resource-Policy': 'same-origin',
    ...headers,
  });
  response.end(body);
}

function failureOf(cause: unknown, host: string, port: number): ListenFailure {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const why = code === 'EADDRINUSE' ? 'is taken' : `cannot be had (${String(code)})`;
  const message = `ADMIN_PORT ${port} on ADMIN_HOST ${host} ${why}: give another port, 0 for a free one, or off`;
  return new ListenFailure(message, {
    code: 'admin_port',
    scope: 'setting',
    initiator: 'local',
    answer: undefined,
    cause,
  });
}
