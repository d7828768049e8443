/** A proxy that does what the test says: lets agents in or not, and holds its end of each link. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Test } from 'tap';
import { agentPath, agentSubprotocol } from '../../shared/protocol/ask.ts';
import { acceptWebSocket } from '../../shared/transport/websocket/accept.ts';
import type { Certificate } from '../e2e/support/certificate.ts';
import { listen } from '../e2e/support/listen.ts';
import { LinkSide, upgradeOf } from '../transport/links.ts';
import { until } from '../transport/until.ts';

export interface Refusal {
  readonly status: number;
  readonly reason?: string;
  readonly retryAfter?: string;
}

export class StubProxy {
  /** Its end of each link that was let in, in order. */
  readonly sides: LinkSide[] = [];
  /** Of each upgrade asked for: its target and its token. */
  readonly asked: { target: string; authorization: string | undefined }[] = [];
  /** Answers the next upgrades; undefined lets in. */
  refusal: Refusal | undefined;
  /** Says welcome to each hello. */
  welcomes = true;
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    server.on('upgrade', (request: IncomingMessage, socket: Socket, held: Buffer) => {
      this.asked.push({ target: request.url ?? '', authorization: request.headers.authorization });
      if (this.refusal !== undefined) {
        socket.end(answerOf(this.refusal));
        return;
      }
      const ends = acceptWebSocket(upgradeOf(request), agentSubprotocol, socket, held);
      if (ends === undefined) return;
      const side = new LinkSide(ends, 'server', {});
      this.sides.push(side);
      if (this.welcomes) void side.event(/^control .*"hello"/).then(() => welcome(side));
    });
  }

  static async listen(t: Test, certificate?: Certificate): Promise<StubProxy> {
    const server = certificate === undefined ? createServer() : createTlsServer({ ...certificate });
    const proxy = new StubProxy(server, await listen(server));
    t.teardown(() => proxy.close());
    return proxy;
  }

  get url(): string {
    return `${'setSecureContext' in this.#server ? 'wss' : 'ws'}://127.0.0.1:${this.port}${agentPath}`;
  }

  /** Its end of the nth link, up. */
  async side(number: number): Promise<LinkSide> {
    await until(`link ${number}`, () => this.sides.length >= number);
    const side = this.sides[number - 1];
    if (side === undefined) throw new Error('no link');
    await side.event(/^control .*"hello"/);
    return side;
  }

  close(): void {
    for (const { link } of this.sides) link.terminate();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

export function welcome(side: LinkSide): void {
  const urls = ['http://stub.test/'];
  side.link.sendControl(JSON.stringify({ kind: 'welcome', node: 'stub', urls, limits: { maxStreams: 100 } }));
}

function answerOf({ status, reason, retryAfter }: Refusal): string {
  const body = reason === undefined ? '' : JSON.stringify({ reason });
  const retry = retryAfter === undefined ? '' : `Retry-After: ${retryAfter}\r\n`;
  return `HTTP/1.1 ${status} No\r\n${retry}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}
