/**
 * What goes out to one client: the answers, gathered into one write a turn, and the end of the connection. In order:
 * our answer, our FIN, and then what the client still sends is read and thrown away for a while, since a reset in
 * answer to it could erase what the client has not read yet (RFC 9112 §9.6). Or at once: a reset, and not a FIN that a
 * close-delimited answer would take for its end. It reads nothing.
 */
import type { Socket } from 'node:net';
import { Outlet } from '../../shared/transport/outlet.ts';
import type { Gatherer } from '../../shared/transport/write-batch.ts';
import { resetSocket } from '../../shared/transport/reset-socket.ts';
import type { EdgeContext } from './context.ts';
import type { DrainBounds } from './limits.ts';
import { takenBytes } from './taken-bytes.ts';

/**
 * The kernel takes in steps, a third of its buffer each: from tens of kilobytes to more than a megabyte. So nothing is
 * seen of a slow client for a while, and it is given the time that its least rate needs for as much as this.
 */
const unseenBytes = 256 * 1024;

export class Output implements Gatherer {
  readonly #socket: Socket;
  readonly #tcp: Socket;
  readonly #context: EdgeContext;
  readonly #outlet: Outlet;
  #onEmpty: (() => void) | undefined;
  #answerHasBegun = false;
  #hasWritten = false;
  /** While something waits: what the kernel had taken when we last looked, and until when it must be more. */
  #takenBytes: number | undefined;
  #patientUntilMs = Infinity;
  /** After close(): until when, and for how many bytes more, the client is listened to. */
  #closesAtMs = Infinity;
  #ignorableBytes = 0;
  /** Of the memory budget, for answers that are complete and that the client has not taken. */
  #retainedBytes = 0;
  /** It has done so once: it hears of the end. */
  #isRetaining = false;

  /**
   * @param tcp the socket under TLS, or `socket` itself: only TCP can be reset
   * @param onEmpty the client has taken everything, after `holds` was true
   */
  constructor(socket: Socket, tcp: Socket, context: EdgeContext, onEmpty: () => void) {
    this.#socket = socket;
    this.#tcp = tcp;
    this.#context = context;
    this.#onEmpty = onEmpty;
    this.#outlet = new Outlet(socket, context.batch, () => {
      this.#forget();
      this.#onEmpty?.();
    });
  }

  /** The head of the final answer has been written: a failure from here on can only be shown by a reset. */
  get answerHasBegun(): boolean {
    return this.#answerHasBegun;
  }

  /** Nothing more should be written until a 'drain' of the socket after which this is false. */
  get isFull(): boolean {
    return this.#outlet.isFull;
  }

  /** The client has not taken all of what was written, our FIN included. */
  get isWaiting(): boolean {
    const { writableEnded, writableFinished } = this.#socket;
    return this.#outlet.unsentBytes > 0 || (writableEnded && !writableFinished);
  }

  /** Whether something waits, or too much: then it is said when nothing does. */
  holds(amount: 'anything' | 'too much'): boolean {
    return this.#outlet.holds(amount);
  }

  /** Strings are latin1. */
  write(bytes: Uint8Array | string): void {
    if (!this.#hasWritten) this.#writeFirst();
    this.#outlet.write(bytes);
  }

  /**
   * From the batch, before the first bytes leave. What is small waits for no acknowledgement (RFC 9293 §3.7.4), unless it is all
   * that there is: a connection that is over with its first answer is spared the call.
   */
  flush(): void {
    if (!this.#socket.writableEnded && !this.#socket.destroyed) this.#tcp.setNoDelay(true);
  }

  writeFinalHead(head: string): void {
    this.#answerHasBegun = true;
    this.write(head);
  }

  /** The answer is complete and the connection goes on. */
  next(): void {
    this.#answerHasBegun = false;
    this.#retain();
  }

  /** Whoever writes to the socket from now on writes behind all that was written here; nobody is told of its end any more. */
  release(): void {
    this.#onEmpty = undefined;
    this.#outlet.release();
  }

  /**
   * Half-closes behind what was written; the client is listened to until `bounds.ms` after it has taken that.
   * `ignoredBytes` have been read already and not used; `isOver`: nothing more can come from the client, or none of it
   * is waited for.
   */
  close(bounds: DrainBounds, ignoredBytes: number, isOver: boolean): void {
    this.#ignorableBytes = bounds.bytes;
    this.#socket.once('finish', () => {
      this.#closesAtMs = this.#context.nowMs + bounds.ms;
    });
    this.#retain();
    this.#outlet.end();
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
    resetSocket(this.#tcp);
    this.#socket.destroy();
  }

  /** Looked at by the sweep. */
  tick(nowMs: number): void {
    if (nowMs >= this.#closesAtMs) this.#socket.destroy();
    else if (!this.isWaiting) this.#patientUntilMs = Infinity;
    else if (this.#patientUntilMs === Infinity) this.#beginWaiting(nowMs);
    else this.#judgePace(nowMs);
  }

  /** The stream that the answer came by is over, and what of it waits here takes its place. */
  #retain(): void {
    const { memory } = this.#context;
    if (memory === undefined || !this.#outlet.isFull) return;
    const bytes = this.#outlet.unsentBytes - this.#retainedBytes;
    if (!this.#isRetaining) this.#socket.once('close', () => this.#forget());
    this.#isRetaining = true;
    this.#retainedBytes += bytes;
    memory.retain(bytes);
    this.#outlet.holds('anything');
  }

  /** Idempotent. */
  #forget(): void {
    this.#context.memory?.release(this.#retainedBytes);
    this.#retainedBytes = 0;
  }

  #writeFirst(): void {
    this.#hasWritten = true;
    this.#context.batch.join(this);
  }

  #beginWaiting(nowMs: number): void {
    this.#takenBytes = takenBytes(this.#tcp);
    this.#patientUntilMs = nowMs + this.#patienceMs();
  }

  /** Each byte that was taken buys the time that the least rate gives it, and never more than whoever begins to wait has. */
  #judgePace(nowMs: number): void {
    const taken = takenBytes(this.#tcp);
    if (taken !== undefined && this.#takenBytes !== undefined && taken > this.#takenBytes) {
      const boughtMs = this.#timeFor(taken - this.#takenBytes);
      this.#patientUntilMs = Math.min(this.#patientUntilMs + boughtMs, nowMs + this.#patienceMs());
    }
    this.#takenBytes = taken;
    if (nowMs >= this.#patientUntilMs) this.abort();
  }

  #patienceMs(): number {
    const { sendTimeoutMs, minSendBytesPerSecond } = this.#context.limits;
    if (minSendBytesPerSecond === 0) return sendTimeoutMs;
    return Math.max(sendTimeoutMs, this.#timeFor(Math.min(this.#outlet.unsentBytes, unseenBytes)));
  }

  /** Infinity where no rate is asked for. */
  #timeFor(byteCount: number): number {
    return (byteCount * 1_000) / this.#context.limits.minSendBytesPerSecond;
  }
}
