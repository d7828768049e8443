/**
 * The end of a client connection. In order: our answer, our FIN, and then what the client still sends is read and
 * thrown away for a while, since a reset in answer to it could erase what the client has not read yet (RFC 9112
 * §9.6). Or at once: a reset, and not a FIN that a close-delimited answer would take for its end.
 */
import type { Socket } from 'node:net';

export interface DrainBounds {
  readonly bytes: number;
  readonly ms: number;
}

export class Farewell {
  readonly #socket: Socket;
  readonly #untilMs: number;
  #leftBytes: number;

  /** Half-closes behind what was written. `readBytes` have been read already and not used. */
  constructor(
    socket: Socket,
    bounds: DrainBounds,
    readBytes: number,
    clientHasEnded: boolean,
    nowMs: number,
  ) {
    this.#socket = socket;
    this.#untilMs = nowMs + bounds.ms;
    this.#leftBytes = bounds.bytes;
    socket.end();
    if (clientHasEnded) socket.destroySoon();
    else socket.resume();
    this.received(readBytes);
  }

  received(byteCount: number): void {
    this.#leftBytes -= byteCount;
    if (this.#leftBytes < 0) this.#socket.destroySoon();
  }

  tick(nowMs: number): void {
    if (nowMs >= this.#untilMs) this.#socket.destroy();
  }
}

/** `tcp` is the socket under TLS, or `socket` itself: only TCP can be reset. */
export function resetConnection(socket: Socket, tcp: Socket): void {
  if (!tcp.destroyed) tcp.resetAndDestroy();
  socket.destroy();
}
