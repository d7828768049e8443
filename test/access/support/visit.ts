/** A request at the gate without a socket: what it says, and what it is answered, as values. */
import type { Client, Exchange } from '../../../proxy/exchange.ts';
import { HeadScanner } from '../../../shared/http1/head.ts';
import { readRequest } from '../../../shared/http1/rules.ts';
import { decodeLatin1 } from '../../../shared/transport/latin1.ts';

export interface Asking {
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  readonly isSecure?: boolean;
  readonly isTrusted?: boolean;
  readonly address?: string;
  /** Field lines as sent, each `Name: value`. */
  readonly lines?: readonly string[];
}

export interface Asked {
  readonly exchange: Exchange;
  /** What was written to the client so far. */
  readonly answer: () => string;
}

/** An exchange whose request has been read and judged, and whose client keeps what it is told. */
export function ask(asking: Asking = {}): Asked {
  const { method = 'GET', target = '/', host = 'shop.example.com', lines = [] } = asking;
  const limits = { headBytes: 65_536, lineBytes: 65_536, fields: 100 };
  const scanner = new HeadScanner('request', limits, decodeLatin1);
  const text = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n');
  const request = scanner.push(Buffer.from(text, 'latin1'), 0);
  if (request === undefined) throw new Error('the head is not complete');
  const meaning = readRequest(request, { viaName: 'inverting-proxy-test' });
  let answer = '';
  const client = new KeepingClient(asking, (piece) => {
    answer += piece;
  });
  const exchange: Exchange = {
    request,
    meaning,
    client,
    record: {
      id: 'request-1',
      method,
      host: meaning.host,
      target,
      clientAddress: client.address,
      startedAtMs: 0,
      headAtMs: undefined,
      status: undefined,
      code: undefined,
      backendId: undefined,
      tunnelId: undefined,
      agentInstance: undefined,
      requestBytes: 0,
      responseBytes: 0,
      raw: undefined,
      retries: 0,
      abortedBy: undefined,
      place: -1,
    },
    admission: undefined,
  };
  return { exchange, answer: () => answer };
}

class KeepingClient implements Client {
  readonly address: string;
  readonly isTrusted: boolean;
  readonly isSecure: boolean;
  readonly requestIsRead = true;
  readonly mayPersist = true;
  readonly isGone = false;
  readonly heldBytes = 0;
  readonly #keep: (piece: string) => void;

  constructor(
    { address = '192.0.2.1', isTrusted = false, isSecure = true }: Asking,
    keep: (piece: string) => void,
  ) {
    this.address = address;
    this.isTrusted = isTrusted;
    this.isSecure = isSecure;
    this.#keep = keep;
  }

  write(bytes: Uint8Array | string): void {
    this.#keep(typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('latin1'));
  }

  writeFinalHead(head: string): void {
    this.#keep(head);
  }

  listen(): void {}
  holds(): boolean {
    return false;
  }

  limitBody(): void {}
  resumeBody(): void {}
  finish(): void {}
  abort(): void {}

  switchTo(): void {
    throw new Error('no socket here');
  }

  release(): never {
    throw new Error('no socket here');
  }
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? Number.NaN);
}

/** The values of the fields of that name, in order. */
export function valuesOf(answer: string, name: string): string[] {
  const [head = ''] = answer.split('\r\n\r\n');
  const prefix = `${name.toLowerCase()}: `;
  return head
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .map((line) => line.slice(prefix.length));
}
