/**
 * A connection of a balancer before its first byte of HTTP or TLS: the head of the PROXY protocol is read, and the
 * socket is handed on with whatever came behind it. It judges no address.
 */
import type { Socket } from 'node:net';
import type { SweptConnection } from './context.ts';
import { ProxyHeadViolation, readProxyHead } from './proxy-protocol.ts';
import type { ProxyHead, ProxyHeadCode } from './proxy-protocol.ts';

export interface ArrivalOwner {
  /** The head is read; `rest` is the first of the client's own bytes. */
  onArrived(arrival: Arrival, head: ProxyHead, rest: Uint8Array): void;
  /** The socket is destroyed: it ended or came too late, or, with a code, did not begin as it must. */
  onLost(arrival: Arrival, code: ProxyHeadCode | undefined): void;
}

export class Arrival implements SweptConnection {
  readonly isIdle = true;
  readonly tcp: Socket;
  readonly #deadlineMs: number;
  readonly #owner: ArrivalOwner;
  #bytes: Uint8Array = new Uint8Array(0);

  constructor(tcp: Socket, deadlineMs: number, owner: ArrivalOwner) {
    this.tcp = tcp;
    this.#deadlineMs = deadlineMs;
    this.#owner = owner;
    tcp.on('data', (chunk: Buffer) => this.#receive(chunk));
    tcp.on('end', () => tcp.destroy());
    tcp.on('error', () => tcp.destroy());
    tcp.on('close', () => owner.onLost(this, undefined));
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#deadlineMs) this.tcp.destroy();
  }

  destroy(): void {
    this.tcp.destroy();
  }

  abort(): void {
    this.tcp.destroy();
  }

  #receive(chunk: Buffer): void {
    // Bounded: a head is at most 4 KiB, and what is longer is thrown out.
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    let head: ProxyHead | undefined;
    try {
      head = readProxyHead(this.#bytes);
    } catch (error) {
      if (!(error instanceof ProxyHeadViolation)) throw error;
      this.#leave();
      this.tcp.destroy();
      this.#owner.onLost(this, error.code);
      return;
    }
    if (head === undefined) return;
    this.#leave();
    this.#owner.onArrived(this, head, this.#bytes.subarray(head.length));
  }

  #leave(): void {
    for (const event of ['data', 'end', 'error', 'close']) this.tcp.removeAllListeners(event);
    this.tcp.on('error', () => this.tcp.destroy());
    this.tcp.pause();
  }
}
