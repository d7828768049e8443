/**
 * What goes out to one client: the answers, gathered into one write a turn, and the end of the connection. In order:
 * our answer, our FIN, and then what the client still sends is read and thrown away for a while, since a reset in
 * answer to it could erase what the client has not read yet (RFC 9112 §9.6). Or at once: a reset, and not a FIN that a
 * close-delimited answer would take for its end. It reads nothing.
 */
import type { Socket } from 'node:net';
import type { EdgeContext } from './context.ts';
import type { DrainBounds } from './limits.ts';

export class Output {
  readonly #socket: Socket;
  readonly #tcp: Socket;
  readonly #context: EdgeContext;
  #answerHasBegun = false;
  /** Until when a client that does not take what is written is waited for. */
  #drainsUntilMs = Infinity;
  /** After close(): until when, and for how many bytes more, the client is listened to. */
  #closesAtMs = Infinity;
  #ignorableBytes = 0;

  /** @param tcp the socket under TLS, or `socket` itself: only TCP can be reset */
  constructor(socket: Socket, tcp: Socket, context: EdgeContext) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.#context = context;
  }

  /** The head of the final answer has been written: a failure from here on can only be shown by a reset. */
  get answerHasBegun(): boolean {
    return this.#answerHasBegun;
  }

  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Strings are latin1. */
  write(bytes: Uint8Array | string): void {
    this.#context.batch.hold(this.#socket);
    if (typeof bytes === 'string') this.#socket.write(bytes, 'latin1');
    else this.#socket.write(bytes);
  }

  writeFinalHead(head: string): void {
    this.#answerHasBegun = true;
    this.write(head);
  }

  /** The answer is complete and the connection goes on. */
  next(): void {
    this.#answerHasBegun = false;
  }

  drained(): void {
    this.#drainsUntilMs = Infinity;
  }

  /**
   * Half-closes behind what was written. `ignoredBytes` have been read already and not used; `isOver`: nothing more can
   * come from the client, or none of it is waited for.
   */
  close(bounds: DrainBounds, ignoredBytes: number, isOver: boolean): void {
    this.#closesAtMs = this.#context.nowMs + bounds.ms;
    this.#ignorableBytes = bounds.bytes;
    this.#socket.end();
    if (isOver) this.#socket.destroySoon();
    else this.#socket.resume();
    this.ignored(ignoredBytes);
  }

  /** The client sent so much behind close(). */
  ignored(byteCount: number): void {
    this.#ignorableBytes -= byteCount;
    // Not destroyed: that would be the reset. It is read no more, and what it goes on to send fills its own buffers.
    if (this.#ignorableBytes < 0) this.#socket.pause();
  }

  /** Ends the connection so that nothing can pass for a complete answer. */
  abort(): void {
    if (!this.#tcp.destroyed) this.#tcp.resetAndDestroy();
    this.#socket.destroy();
  }

  /** Looked at by the sweep. */
  tick(nowMs: number): void {
    if (nowMs >= this.#closesAtMs) this.#socket.destroy();
    else if (nowMs >= this.#drainsUntilMs) this.abort();
    else if (this.#drainsUntilMs === Infinity && this.isFull) this.#drainsUntilMs = this.#patience(nowMs);
  }

  /** What waits in the socket may take as long as the least rate needs for it, and never less than the time-out. */
  #patience(nowMs: number): number {
    const { sendTimeoutMs, minSendBytesPerSecond } = this.#context.limits;
    if (minSendBytesPerSecond === 0) return Infinity;
    return nowMs + Math.max(sendTimeoutMs, (this.#socket.writableLength * 1_000) / minSendBytesPerSecond);
  }
}
