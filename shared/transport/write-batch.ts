/**
 * Gathers the writes of one turn: every socket that is written to through a batch is corked until the turn's
 * callbacks are over, so that a head, its body and what follows leave in one system call each.
 * It knows nothing of streams or messages.
 */
import type { Socket } from 'node:net';

export class WriteBatch {
  #sockets: Socket[] = [];
  readonly #release = (): void => {
    const sockets = this.#sockets;
    this.#sockets = [];
    for (const socket of sockets) socket.uncork();
  };

  /** Holds the socket's writes until this turn's callbacks are over. Calling it again in the same turn costs nothing. */
  hold(socket: Socket): void {
    if (socket.writableCorked > 0) return;
    if (this.#sockets.length === 0) process.nextTick(this.#release);
    this.#sockets.push(socket);
    socket.cork();
  }
}
