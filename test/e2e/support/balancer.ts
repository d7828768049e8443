/**
 * A plain TCP relay before one or several servers, as a balancer is: each connection goes to the next one that takes it. It
 * can be told to go half-open (connections are still accepted, and nothing is forwarded any more, either way), to cut
 * what it carries, and to be wrong on purpose. It knows bytes and no protocol.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../../shared/transport/reset-socket.ts';
import { listen } from './listen.ts';
import type { Owner } from './owner.ts';

/**
 * corrupt: a byte of every large piece to the client has a bit turned · cleanEnd: a reset of the server becomes a clean
 * end · swallow: some pieces to the client never arrive. Each proves that whoever judges the transfer sees it.
 */
export type BalancerFault = 'corrupt' | 'cleanEnd' | 'swallow';

interface Pair {
  readonly client: Socket;
  server: Socket | undefined;
}

export class Balancer {
  readonly host = '127.0.0.1';
  fault: BalancerFault | undefined;
  readonly #targets: readonly number[];
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #port = 0;
  #next = 0;
  #pieces = 0;
  #isHalfOpen = false;

  private constructor(targets: readonly number[]) {
    this.#targets = targets;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  /** On a free port of loopback before these ports of loopback; closed with its owner. */
  static async listen(owner: Owner, targets: readonly number[]): Promise<Balancer> {
    const balancer = new Balancer(targets);
    balancer.#port = await listen(balancer.#server);
    owner.teardown(() => {
      balancer.cut();
      balancer.#server.close();
    });
    return balancer;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections that are open now. */
  get connectionCount(): number {
    return this.#pairs.size;
  }

  /** From now on it accepts and forwards nothing, ends and resets included, as a path does that has lost its state. */
  halfOpen(): void {
    this.#isHalfOpen = true;
    for (const { client, server } of this.#pairs) {
      client.pause();
      server?.pause();
    }
  }

  /** Works again; what was carried meanwhile is reset. */
  heal(): void {
    this.#isHalfOpen = false;
    this.cut();
  }

  /** Resets every connection, at both ends. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      resetSocket(client);
      if (server !== undefined) resetSocket(server);
    }
  }

  #accept(client: Socket): void {
    const pair: Pair = { client, server: undefined };
    this.#pairs.add(pair);
    client.pause();
    client.on('error', () => client.destroy());
    client.once('close', () => {
      this.#pairs.delete(pair);
      // Gone before it had a server.
      if (pair.server?.connecting === true) pair.server.destroy();
    });
    if (this.#isHalfOpen) return;
    const first = this.#next;
    this.#next = (this.#next + 1) % this.#targets.length;
    this.#connect(pair, first, this.#targets.length);
  }

  /** @param left how many have not been tried yet, the one at `index` among them */
  #connect(pair: Pair, index: number, left: number): void {
    const { client } = pair;
    const port = this.#targets[index % this.#targets.length];
    if (left === 0 || port === undefined) {
      resetSocket(client);
      return;
    }
    const server = connect({ host: this.host, port, allowHalfOpen: true, noDelay: true });
    pair.server = server;
    const next = (): void => {
      server.destroy();
      if (!client.destroyed) this.#connect(pair, index + 1, left - 1);
    };
    server.once('error', next);
    server.once('connect', () => {
      server.off('error', next);
      this.#join(client, server);
    });
  }

  #join(client: Socket, server: Socket): void {
    this.#pass(client, server, (bytes) => bytes);
    this.#pass(server, client, (bytes) => this.#spoil(bytes));
    if (!this.#isHalfOpen) return;
    client.pause();
    server.pause();
  }

  #pass(from: Socket, to: Socket, change: (bytes: Buffer) => Buffer | undefined): void {
    from.on('data', (bytes) => {
      const passed = change(bytes);
      if (passed === undefined || to.write(passed)) return;
      from.pause();
      to.once('drain', () => {
        if (!this.#isHalfOpen) from.resume();
      });
    });
    from.on('end', () => to.end());
    from.on('error', () => {
      from.destroy();
      if (this.fault === 'cleanEnd') to.end();
      else resetSocket(to);
    });
    // Of a side that is gone the other one is of no use; after a clean end of both it is gone as well.
    from.on('close', (hadError) => {
      if (!hadError && !from.readableEnded) resetSocket(to);
    });
    from.resume();
  }

  #spoil(bytes: Buffer): Buffer | undefined {
    if (this.fault === undefined || this.fault === 'cleanEnd' || bytes.length < 1024) return bytes;
    this.#pieces += 1;
    if (this.fault === 'swallow') return this.#pieces % 8 === 0 ? undefined : bytes;
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    return bytes;
  }
}
