/**
 * Two links on one WebSocket over loopback, plain or TLS, as the two programs make them: the agent's end dials, the
 * proxy's end is accepted. Each end writes down what it is told.
 */
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Test } from 'tap';
import { WebSocket } from 'ws';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { Link, type LinkOptions } from '../../shared/transport/link.ts';
import type { LinkEnd, LinkHandler } from '../../shared/transport/link-handler.ts';
import { acceptWebSocket } from '../../shared/transport/websocket/accept.ts';
import { dialWebSocket, type DialOptions } from '../../shared/transport/websocket/dial.ts';
import type { LinkSocket } from '../../shared/transport/websocket/link-socket.ts';
import { createCertificate } from '../e2e/support/certificate.ts';
import { listen } from '../e2e/support/listen.ts';
import { Recorder } from '../mux/recorder.ts';

export const subprotocol = 'test.v1';

export type EndOptions = Partial<Omit<LinkOptions, 'handler' | 'role'>>;

/** One end of a link: its streams' events go to `user`, its own to `events`. */
export class LinkSide implements LinkHandler {
  readonly user = new Recorder();
  readonly link: Link;
  readonly ends: LinkSocket;
  /** `goaway 0`, `control …`, `ids low`, `end 1000 reason`. */
  readonly events: string[] = [];
  readonly ended = Promise.withResolvers<LinkEnd>();
  #changed = Promise.withResolvers<void>();

  constructor(ends: LinkSocket, role: 'client' | 'server', options: EndOptions) {
    this.ends = ends;
    this.user.quiet = true;
    this.link = new Link(ends, { random: () => 0.5, ...options, role, handler: this });
  }

  open(): MuxStream {
    const stream = this.link.open(this.user);
    if (stream === undefined) throw new Error('not opened');
    return stream;
  }

  onStream(stream: MuxStream): void {
    this.user.onStream(stream);
    this.#note();
  }

  onControl(text: string): void {
    this.#note(`control ${text}`);
  }

  onGoAway(code: number): void {
    this.#note(`goaway ${code}`);
  }

  onIdsLow(): void {
    this.#note('ids low');
  }

  onEnd(end: LinkEnd): void {
    this.#note(`end ${end.code} ${end.reason}`);
    this.ended.resolve(end);
  }

  /** Waits for the peer's first streams, `count` of them; gives the last. */
  async stream(count = 1): Promise<MuxStream> {
    for (;;) {
      const streams = [...this.user.streams.values()];
      const last = streams[count - 1];
      if (last !== undefined) return last;
      // oxlint-disable-next-line no-await-in-loop -- until it has come
      await this.#changed.promise;
    }
  }

  /** Waits for an event that is `wanted`, or like it; one that has come already counts. */
  async event(wanted: string | RegExp): Promise<void> {
    const isWanted = (event: string) => (typeof wanted === 'string' ? event === wanted : wanted.test(event));
    while (!this.events.some(isWanted)) {
      // oxlint-disable-next-line no-await-in-loop -- until it has come
      await this.#changed.promise;
    }
  }

  #note(event?: string): void {
    if (event !== undefined) this.events.push(event);
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}

export interface LinkPair {
  readonly agent: LinkSide;
  readonly proxy: LinkSide;
}

export interface PairOptions {
  readonly tls?: boolean;
  readonly agent?: EndOptions;
  readonly proxy?: EndOptions;
  readonly dial?: Partial<DialOptions>;
  /** What happens to the proxy's socket before it carries anything. */
  readonly onSocket?: (socket: Socket) => void;
}

/** Both ends are up; they are torn down with the test. */
export async function linkPair(t: Test, options: PairOptions = {}): Promise<LinkPair> {
  const sockets = await socketPair(t, options);
  return {
    agent: new LinkSide(sockets.agent, 'client', options.agent ?? {}),
    proxy: new LinkSide(sockets.proxy, 'server', options.proxy ?? {}),
  };
}

/** The two WebSockets without links on them. */
export async function socketPair(
  t: Test,
  { tls = false, dial = {}, onSocket }: PairOptions,
): Promise<{ agent: LinkSocket; proxy: LinkSocket }> {
  const certificate = tls ? createCertificate() : undefined;
  const server = certificate === undefined ? createServer() : createTlsServer({ ...certificate });
  const accepted = Promise.withResolvers<LinkSocket>();
  server.on('upgrade', (request: IncomingMessage, socket: Socket, held: Buffer) => {
    onSocket?.(socket);
    const linkSocket = acceptWebSocket(upgradeOf(request), subprotocol, socket, held);
    if (linkSocket !== undefined) accepted.resolve(linkSocket);
  });
  const port = await listen(server);
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const agent = await dialWebSocket({
    url: `${tls ? 'wss' : 'ws'}://127.0.0.1:${port}/`,
    subprotocol,
    token: 'token',
    userAgent: 'test',
    ca: certificate?.cert,
    signal: AbortSignal.timeout(5_000),
    ...dial,
  });
  const proxy = await accepted.promise;
  t.teardown(() => {
    agent.socket.destroy();
    proxy.socket.destroy();
  });
  return { agent, proxy };
}

export function upgradeOf({ method = '', url = '', headers }: IncomingMessage) {
  const plain = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
  return { method, url, headers: Object.fromEntries(plain) };
}

/** Our end of a WebSocket, and at the other end `ws`, which knows nothing of ours. */
export async function peerPair(t: Test): Promise<{ peer: WebSocket; proxy: LinkSocket }> {
  const server = createServer();
  const accepted = Promise.withResolvers<LinkSocket>();
  server.on('upgrade', (request: IncomingMessage, socket: Socket, held: Buffer) => {
    const linkSocket = acceptWebSocket(upgradeOf(request), subprotocol, socket, held);
    if (linkSocket !== undefined) accepted.resolve(linkSocket);
  });
  const port = await listen(server);
  const peer = new WebSocket(`ws://127.0.0.1:${port}/`, subprotocol);
  peer.on('error', () => undefined);
  const proxy = await accepted.promise;
  await new Promise((resolve) => peer.once('open', resolve));
  peer.pause();
  t.teardown(() => {
    peer.terminate();
    proxy.socket.destroy();
    server.close();
  });
  return { peer, proxy };
}
