/**
 * A client connection after its upgrade: every byte is raw, and nothing but its end is judged any more (no deadline
 * applies, DESIGN §8). It hands the socket's events to whoever carries the bytes. It may live for days, and so it keeps nothing of
 * what read the request before it.
 */
import type { Socket } from 'node:net';
import type { RawListener } from '../exchange.ts';
import type { EdgeContext, SweptConnection } from './context.ts';
import type { Output } from './output.ts';

export class RawConnection implements SweptConnection {
  readonly isIdle = false;
  readonly #socket: Socket;
  readonly #output: Output;
  readonly #context: EdgeContext;

  constructor(socket: Socket, output: Output, context: EdgeContext) {
    this.#socket = socket;
    this.#output = output;
    this.#context = context;
  }

  /** @param held what the client sent behind its request; @param hasEnded it has half-closed already */
  begin(listener: RawListener, held: Uint8Array, hasEnded: boolean): void {
    const socket = this.#socket;
    socket.on('data', (chunk: Buffer) => listener.fromSocket(chunk));
    socket.on('drain', () => listener.socketDrained());
    socket.on('end', () => listener.socketEnded());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#context.onOver(this);
      listener.socketGone();
    });
    socket.resume();
    if (held.length > 0) listener.fromSocket(held);
    if (hasEnded) listener.socketEnded();
  }

  /** It may be silent for as long as its two ends like; once it is over, the client has to take what is left. */
  tick(nowMs: number): void {
    if (this.#socket.writableEnded) this.#output.tick(nowMs);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  abort(): void {
    this.#output.abort();
  }
}
