/**
 * WebSockets as a link needs them: dialled by the agent, accepted by the proxy. The one place that knows `ws`.
 * It gives the WebSocket together with the socket under it, because back-pressure is read there: a link corks it
 * for one write a turn and waits for its 'drain'. It knows neither yamux nor tokens.
 */
import type { Agent } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { ClientOptions, ServerOptions } from 'ws';
import { TunnelError } from '../errors/tunnel-error.ts';
import type { Masking } from './message-slab.ts';

export interface LinkSocket {
  readonly webSocket: WebSocket;
  /** The TCP or TLS socket that carries it. It is paused until the link is there. */
  readonly socket: Socket;
  /** How binary messages are masked that are written to the socket beside `ws`. */
  readonly masking: Masking;
}

/**
 * A message is at most 64 KiB when we send it; a plain peer may send larger ones, which are assembled in memory
 * before a byte of them is read, so they are bounded where the default window ends to matter (4 × 256 KiB).
 */
const maxMessageBytes = 1024 * 1024;

/** How long an orderly close waits for the peer's answer before the socket is destroyed. */
const closeTimeoutMs = 2_000;

/** ws 8.23 has the option, its types do not name it yet. */
interface CloseTimeout {
  readonly closeTimeout: number;
}

export type DialErrorCode = 'dial_refused' | 'dial_failed' | 'dial_timeout';

/** Dialling did not end in a link. `answer` is what the proxy said, where it said something. */
export class DialError extends TunnelError<DialErrorCode, DialRefusal | undefined> {}

export interface DialRefusal {
  readonly status: number;
  /** The `reason` of the JSON body, or the status text where there is none. Bounded, printable. */
  readonly reason: string;
  /** As the proxy said it, whatever that is: whoever waits for so long bounds it. */
  readonly retryAfterMs: number | undefined;
}

export interface DialOptions {
  readonly url: string;
  readonly subprotocol: string;
  readonly token: string;
  readonly userAgent: string;
  /** Extra certificate authorities (PEM) for wss. */
  readonly ca?: string | undefined;
  /** Where the dial goes through an HTTP proxy. */
  readonly agent?: Agent | undefined;
  /** Ends the dial; an `AbortSignal.timeout` among its sources reads as `dial_timeout`. */
  readonly signal: AbortSignal;
}

/** Dials the proxy. @throws DialError */
export function dialWebSocket(options: DialOptions): Promise<LinkSocket> {
  const overTls = options.url.startsWith('wss:');
  return new Promise((resolve, reject) => {
    const clientOptions: ClientOptions & CloseTimeout = {
      perMessageDeflate: false,
      closeTimeout: closeTimeoutMs,
      maxPayload: maxMessageBytes,
      followRedirects: false,
      headers: { authorization: `Bearer ${options.token}`, 'user-agent': options.userAgent },
      ...(options.ca === undefined ? {} : { ca: options.ca }),
      ...(options.agent === undefined ? {} : { agent: options.agent }),
      // RFC 6455 §10.3 wants the mask against intermediaries that read the bytes; under TLS none can, and the
      // mask would cost half the throughput. ws skips the work for a mask of zeros.
      ...(overTls ? { generateMask: zeroMask } : {}),
    };
    const webSocket = new WebSocket(options.url, options.subprotocol, clientOptions);
    const abort = (): void => webSocket.terminate();
    let underlying: Socket | undefined;
    const settle = (): void => {
      options.signal.removeEventListener('abort', abort);
      webSocket.removeAllListeners('error');
      // Errors after this are the link's, which listens for 'close'; an 'error' without a listener would crash.
      webSocket.on('error', ignore);
    };
    webSocket.once('upgrade', (response: IncomingMessage) => {
      underlying = response.socket;
    });
    webSocket.once('open', () => {
      settle();
      if (underlying === undefined) throw new Error('ws opened a WebSocket without an upgrade');
      underlying.setNoDelay(true);
      // What came with the 101 waits for the link: it would be told before anybody listens.
      webSocket.pause();
      resolve({ webSocket, socket: underlying, masking: overTls ? 'zero' : 'random' });
    });
    webSocket.once('unexpected-response', (request, response) => {
      // A whole answer leaves its socket to node's pool, where nobody would ask for it.
      const { socket } = response;
      readRefusal(response, (refusal) => {
        settle();
        request.destroy();
        socket.destroy();
        reject(refusedError(refusal));
      });
    });
    webSocket.once('error', (cause) => {
      settle();
      if (isTimeout(options.signal)) {
        reject(new DialError('no answer in time', { ...local, code: 'dial_timeout', answer: undefined }));
      } else {
        reject(new DialError(describe(cause), { ...local, code: 'dial_failed', answer: undefined, cause }));
      }
    });
    options.signal.addEventListener('abort', abort, { once: true });
    if (options.signal.aborted) abort();
  });
}

/** What `ws` reads of a request: the part of IncomingMessage that our own parser gives it. */
export interface UpgradeRequest {
  readonly method: string;
  readonly url: string;
  /** Lower-case names, as node:http has them. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Gives the function that answers an upgrade which has been judged already. Undefined: the handshake itself is not
 * RFC 6455, and the peer has been told so.
 */
export function createAcceptor(
  subprotocol: string,
): (request: UpgradeRequest, socket: Socket, held: Uint8Array) => LinkSocket | undefined {
  const serverOptions: ServerOptions & CloseTimeout = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    closeTimeout: closeTimeoutMs,
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
  };
  const server = new WebSocketServer(serverOptions);
  return (request, socket, held) => {
    let accepted: LinkSocket | undefined;
    socket.setNoDelay(true);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- ws reads method, url and headers, and no more
    const incoming = request as unknown as IncomingMessage;
    server.handleUpgrade(incoming, socket, Buffer.from(held), (webSocket) => {
      webSocket.on('error', ignore);
      webSocket.pause();
      accepted = { webSocket, socket, masking: 'none' };
    });
    return accepted;
  };
}

const local = { scope: 'link', initiator: 'local' } as const;

function refusedError(refusal: DialRefusal): DialError {
  const message = `the proxy answered ${String(refusal.status)}: ${refusal.reason}`;
  return new DialError(message, {
    scope: 'link',
    initiator: 'remote',
    code: 'dial_refused',
    answer: refusal,
  });
}

/** The reason is for a log line: the body is read up to 4 KiB, and only its printable part is kept. */
function readRefusal(response: IncomingMessage, done: (refusal: DialRefusal) => void): void {
  const status = response.statusCode ?? 0;
  let body = '';
  let over = false;
  const finish = (): void => {
    if (over) return;
    over = true;
    const reason = reasonOf(body) ?? response.statusMessage ?? '';
    const retryAfterMs = readRetryAfter(response.headers['retry-after'] ?? '');
    done({ status, reason: printable(reason), retryAfterMs });
  };
  response.setEncoding('utf8');
  response.on('data', (piece: string) => {
    body += piece;
    if (body.length > 4_096) finish();
  });
  response.on('close', finish);
  response.on('error', finish);
}

function reasonOf(body: string): string | undefined {
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json !== 'object' || json === null || !('reason' in json)) return undefined;
    return typeof json.reason === 'string' ? json.reason : undefined;
  } catch {
    return undefined;
  }
}

/** Seconds or a date (RFC 9110 §10.2.3), as the time from now; what is neither says nothing. */
function readRetryAfter(value: string): number | undefined {
  if (/^[0-9]+$/.test(value)) return Number(value) * 1_000;
  const dateMs = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - Date.now());
}

function isTimeout(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
}

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, ' ').slice(0, 500);
}

/** A connect to several addresses fails with an AggregateError whose own message is empty. */
function describe(cause: Error): string {
  if (cause instanceof AggregateError) {
    return cause.errors.map((error: unknown) => (error instanceof Error ? error.message : '')).join('; ');
  }
  // What OpenSSL says of a certificate means little without the code that people search for.
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  return code === undefined || cause.message.includes(code) ? cause.message : `${cause.message} (${code})`;
}

function zeroMask(mask: Buffer): void {
  mask.fill(0);
}

function ignore(): void {
  // The 'close' that follows is what the link acts on.
}
