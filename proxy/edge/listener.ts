/**
 * The port that clients and agents come to. It accepts, bounds the number of connections, sweeps their deadlines
 * four times a second, and drains: idle connections are closed, busy ones end with their answer.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { RequestHead } from '../../shared/http1/head.ts';
import type { Refusal } from '../../shared/http1/refusal.ts';
import type { RequestMeaning, RequestOptions } from '../../shared/http1/rules.ts';
import { decodeLatin1 } from '../../shared/transport/latin1.ts';
import { WriteBatch } from '../../shared/transport/write-batch.ts';
import type { Client } from '../exchange.ts';
import { ClientConnection } from './connection.ts';
import type { EdgeContext, SweptConnection } from './context.ts';
import type { EdgeLimits } from './limits.ts';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: EdgeLimits;
  readonly requestRules: RequestOptions;
  /** Puts TLS on an accepted socket; undefined: plain HTTP. */
  readonly secure: ((tcp: Socket) => Socket) | undefined;
  onExchange(request: RequestHead, meaning: RequestMeaning, client: Client): void;
  onRefusal(refusal: Refusal, client: Client): string;
}

const sweepIntervalMs = 250;

export class Listener implements EdgeContext {
  readonly limits: EdgeLimits;
  readonly requestRules: RequestOptions;
  readonly decode = decodeLatin1;
  readonly batch = new WriteBatch();
  nowMs = performance.now();
  isDraining = false;
  readonly #options: ListenerOptions;
  readonly #server: Server;
  readonly #connections = new Set<SweptConnection>();
  #sweep: NodeJS.Timeout | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.limits = options.limits;
    this.requestRules = options.requestRules;
    const serverOptions = { allowHalfOpen: true, noDelay: true };
    this.#server = createServer(serverOptions, (tcp) => this.#accept(tcp));
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Resolves with the address it listens on. Rejects where the port cannot be had. */
  async listen(): Promise<AddressInfo> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.#sweep = setInterval(() => this.#tick(), sweepIntervalMs);
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP listener has an address');
    return address;
  }

  /** No new connections; resolves when the last one has ended, or when `signal` ends them all. */
  async drain(signal: AbortSignal): Promise<void> {
    this.isDraining = true;
    this.#server.close();
    for (const connection of this.#connections) {
      if (connection.isIdle) connection.destroy();
    }
    const destroyAll = (): void => {
      for (const connection of this.#connections) connection.abort();
    };
    if (signal.aborted) destroyAll();
    signal.addEventListener('abort', destroyAll, { once: true });
    if (this.#connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
    signal.removeEventListener('abort', destroyAll);
    clearInterval(this.#sweep);
  }

  // What a connection says.

  onExchange(request: RequestHead, meaning: RequestMeaning, client: Client): void {
    this.#options.onExchange(request, meaning, client);
  }

  onRefusal(refusal: Refusal, client: Client): string {
    return this.#options.onRefusal(refusal, client);
  }

  onUpgraded(connection: SweptConnection): void {
    this.#connections.add(connection);
  }

  onOver(connection: SweptConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  #accept(tcp: Socket): void {
    if (this.#connections.size >= this.limits.maxConnections) {
      tcp.destroy();
      return;
    }
    const socket = this.#options.secure?.(tcp) ?? tcp;
    // TLS hears of the TCP socket's end by itself; its 'error' must not be without a listener.
    if (socket !== tcp) tcp.on('error', () => socket.destroy());
    this.#connections.add(new ClientConnection(socket, tcp, this));
  }

  #tick(): void {
    this.nowMs = performance.now();
    for (const connection of this.#connections) {
      connection.tick(this.nowMs);
    }
  }
}
