/**
 * The port that clients and agents come to. It accepts, bounds the number of connections, sweeps their deadlines
 * four times a second, and drains: idle connections are closed, busy ones end with their answer.
 */
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RequestHead } from '../../shared/http1/head.ts';
import type { Refusal } from '../../shared/http1/refusal.ts';
import type { RequestMeaning, RequestOptions } from '../../shared/http1/rules.ts';
import { decodeLatin1 } from '../../shared/transport/latin1.ts';
import type { MemoryBudget } from '../../shared/mux/memory-budget.ts';
import { WriteBatch } from '../../shared/transport/write-batch.ts';
import type { Client } from '../exchange.ts';
import { Acceptors } from './acceptors.ts';
import type { AcceptorsOwner } from './acceptors.ts';
import { Arrival } from './arrival.ts';
import { ClientConnection } from './connection.ts';
import type { EdgeContext, SweptConnection } from './context.ts';
import { Guests } from './guests.ts';
import type { EdgeLimits } from './limits.ts';
import { readAddress } from '../../shared/net/networks.ts';
import type { Networks } from '../../shared/net/networks.ts';
import type { ProxyHead } from './proxy-protocol.ts';
import { UnreadSocket } from './unread-socket.ts';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: EdgeLimits;
  readonly requestRules: RequestOptions;
  /** Of the whole program: an answer that its client has not taken is held by it. */
  readonly memory?: MemoryBudget;
  /** Balancers and proxies before us that are believed in what they say of their clients. */
  readonly trusted: Networks;
  /** Connections of the trusted begin with the PROXY protocol, all of them; those of others never. */
  readonly expectsProxyProtocol: boolean;
  /** Puts TLS on an accepted socket; undefined: plain HTTP. */
  readonly secure: ((wire: Duplex) => Socket) | undefined;
  onExchange(request: RequestHead, meaning: RequestMeaning, client: Client): void;
  onRefusal(refusal: Refusal, client: Client, isHead: boolean): string;
  /** A connection was reset before it said anything: our code, and whose it was, where it came so far. */
  onTurnedAway(code: string, address: string | undefined): void;
}

const sweepIntervalMs = 250;
/** Longer than a request is under way to us, shorter than anybody waits for a program to stop. */
const idleGraceMs = 500;
const nothing = new Uint8Array(0);

export class Listener implements EdgeContext, AcceptorsOwner {
  readonly limits: EdgeLimits;
  readonly requestRules: RequestOptions;
  readonly decode = decodeLatin1;
  readonly batch = new WriteBatch();
  readonly memory: MemoryBudget | undefined;
  isDraining = false;
  readonly #options: ListenerOptions;
  readonly #acceptors: Acceptors;
  readonly #guests: Guests;
  /** From when on idle connections are closed: never, but while draining. */
  #idleUntilMs = Infinity;
  #sweep: NodeJS.Timeout | undefined;
  readonly #sweepAll = (): void => this.#tick();
  #onEmpty: (() => void) | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.limits = options.limits;
    this.memory = options.memory;
    this.requestRules = options.requestRules;
    this.#guests = new Guests(options.limits, options.trusted);
    this.#acceptors = new Acceptors(this);
  }

  get nowMs(): number {
    return performance.now();
  }

  get connectionCount(): number {
    return this.#guests.size;
  }

  /** Resolves with the address it listens on. Rejects where the port cannot be had. */
  async listen(): Promise<AddressInfo> {
    const address = await this.#acceptors.listen(this.#options.host, this.#options.port);
    // Timers call before the sockets of their turn are read: whoever is late is judged when what came meanwhile has been read.
    this.#sweep = setInterval(() => setImmediate(this.#sweepAll), sweepIntervalMs);
    return address;
  }

  /**
   * No new connections; resolves when the last one has ended, or when `signal` ends them all. A kept connection may
   * have its next request on the way: it has a moment to arrive, and is answered with Connection: close.
   */
  async drain(signal: AbortSignal): Promise<void> {
    this.isDraining = true;
    this.#idleUntilMs = performance.now() + idleGraceMs;
    const abortAll = (): void => {
      for (const connection of this.#guests.connections()) connection.abort();
    };
    if (signal.aborted) abortAll();
    signal.addEventListener('abort', abortAll, { once: true });
    await this.#acceptors.closeWhenQuiet();
    if (signal.aborted) abortAll();
    if (this.#guests.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
      });
    }
    signal.removeEventListener('abort', abortAll);
    clearInterval(this.#sweep);
  }

  // What a connection says.

  onExchange(request: RequestHead, meaning: RequestMeaning, client: Client): void {
    this.#options.onExchange(request, meaning, client);
  }

  onRefusal(refusal: Refusal, client: Client, isHead: boolean): string {
    return this.#options.onRefusal(refusal, client, isHead);
  }

  onUpgraded(before: SweptConnection, after: SweptConnection): void {
    this.#guests.replace(before, after);
  }

  onOver(connection: SweptConnection): void {
    this.#guests.remove(connection);
    if (this.#guests.size === 0) this.#onEmpty?.();
  }

  // Arriving.

  onConnection(tcp: Socket): void {
    const address = readAddress(tcp.remoteAddress ?? '');
    // It was gone before we came to look.
    if (address === undefined) tcp.destroy();
    else if (this.#options.expectsProxyProtocol && this.#options.trusted.covers(address))
      this.#await(tcp, address);
    else this.#begin(tcp, address, this.#options.trusted.covers(address), nothing);
  }

  /** Without memory for sockets, say. */
  onAcceptError(error: NodeJS.ErrnoException): void {
    this.#options.onTurnedAway(`accept_${(error.code ?? 'error').toLowerCase()}`, undefined);
  }

  /** A balancer's connection: whose it is, its first bytes say. */
  #await(tcp: Socket, balancer: string): void {
    if (this.#isTurnedAway(tcp, balancer)) return;
    const arrival = new Arrival(tcp, this.nowMs + this.limits.firstByteTimeoutMs, {
      onArrived: (arrived, head, rest) => this.#arrived(arrived, head, balancer, rest),
      onLost: (lost, code) => {
        this.onOver(lost);
        if (code !== undefined) this.#options.onTurnedAway(code, balancer);
      },
    });
    this.#guests.add(arrival, balancer);
  }

  #arrived(arrival: Arrival, head: ProxyHead, balancer: string, rest: Uint8Array): void {
    this.#guests.remove(arrival);
    const { address } = head;
    // Of whom the balancer says nothing, it vouches for nothing either: what they claim of others is theirs.
    const isTrusted = address !== undefined && this.#options.trusted.covers(address);
    this.#begin(arrival.tcp, address ?? balancer, isTrusted, rest);
    this.onOver(arrival);
  }

  /** @param first what of the client's bytes has been read already */
  #begin(tcp: Socket, address: string, isTrusted: boolean, first: Uint8Array): void {
    if (this.#isTurnedAway(tcp, address)) return;
    const { secure } = this.#options;
    if (secure === undefined) {
      if (first.length > 0) tcp.unshift(first);
      this.#guests.add(new ClientConnection({ socket: tcp, tcp, address, isTrusted }, this), address);
      tcp.resume();
      return;
    }
    tcp.setNoDelay(true);
    const socket = secure(first.length > 0 ? new UnreadSocket(tcp, first) : tcp);
    // TLS hears of the TCP socket's end by itself; its 'error' must not be without a listener.
    tcp.on('error', () => socket.destroy());
    this.#guests.add(new ClientConnection({ socket, tcp, address, isTrusted }, this), address);
  }

  #isTurnedAway(tcp: Socket, address: string): boolean {
    const code = this.#guests.refusalOf(address);
    if (code === undefined) return false;
    // Cheap on purpose: whoever floods us with connections is not answered.
    tcp.resetAndDestroy();
    this.#options.onTurnedAway(code, address);
    return true;
  }

  #tick(): void {
    const { nowMs } = this;
    const isGraceOver = nowMs >= this.#idleUntilMs;
    for (const connection of this.#guests.connections()) {
      if (isGraceOver && connection.isIdle) connection.destroy();
      else connection.tick(nowMs);
    }
  }
}
