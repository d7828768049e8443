/**
 * Raw bytes between one mux stream and one socket, both ways, half-closes included. It is the agent's whole data
 * path and the proxy's after an upgrade. It holds at most the rest of one socket read that the stream had no
 * credit for (64 KiB, and the socket is paused meanwhile), and what the socket itself has queued is not given
 * back to the stream's window before it has drained. It knows no HTTP and no pool: its owner hands it the
 * socket's events and hears of the stream's end.
 */
import type { Socket } from 'node:net';
import type { BlockPool } from '../mux/blocks.ts';
import type { ResetCode } from '../mux/codes.ts';
import type { StreamHandler } from '../mux/session.ts';
import type { MuxStream } from '../mux/stream.ts';
import { Outlet } from './outlet.ts';
import { apart } from './own-bytes.ts';
import type { WriteBatch } from './write-batch.ts';

export interface PipeOwner {
  /** The first piece the stream gave since attach(): a view of the whole message it came in. */
  onFirstBytes?(bytes: Uint8Array): void;
  /**
   * The stream was reset by the other end, or its link is gone. The pipe is detached already. `leftBytes` of the socket
   * were read and had not left for the other end.
   */
  onStreamReset(code: ResetCode, leftBytes: number): void;
  /** Both directions have ended in order; the pipe is detached already. */
  onPipeEnd(): void;
}

export class StreamPipe implements StreamHandler {
  readonly #socket: Socket;
  readonly #outlet: Outlet;
  readonly #owner: PipeOwner;
  #stream: MuxStream | undefined;
  #rest: Uint8Array | undefined;
  /** The socket is paused until the stream has room. */
  #waitsForRoom = false;
  #socketHasEnded = false;
  #unconsumedBytes = 0;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(socket: Socket, batch: WriteBatch, owner: PipeOwner) {
    this.#socket = socket;
    this.#outlet = new Outlet(socket, batch, () => this.socketDrained());
    this.#owner = owner;
  }

  /** Body bytes of the exchange that the socket gave, counted from attach(). */
  get bytesIn(): number {
    return this.#bytesIn;
  }

  /** Bytes written to the socket since attach(). */
  get bytesOut(): number {
    return this.#bytesOut;
  }

  /** Bytes that the socket has been given and the kernel has not taken. */
  get unsentBytes(): number {
    return this.#outlet.unsentBytes;
  }

  get isAttached(): boolean {
    return this.#stream !== undefined;
  }

  /** The stream that it carries may hold little. */
  get isNarrow(): boolean {
    return this.#stream?.width === 'narrow';
  }

  attach(stream: MuxStream): void {
    if (this.#stream !== undefined) throw new Error('a pipe carries one stream at a time');
    this.#stream = stream;
    this.#rest = undefined;
    this.#waitsForRoom = false;
    this.#socketHasEnded = false;
    this.#unconsumedBytes = 0;
    this.#bytesIn = 0;
    this.#bytesOut = 0;
    stream.handler = this;
  }

  /** Writes bytes of our own to the socket, behind what the stream has given. */
  say(bytes: Uint8Array): void {
    this.#outlet.write(bytes);
  }

  /** Ends the stream from this side. Idempotent; the owner is not called. */
  reset(code: ResetCode): void {
    this.#detach()?.reset(code);
  }

  /** Ends the socket behind all that the stream has given and we have said; it is destroyed when that has left. */
  closeSocket(): void {
    this.#outlet.end();
    this.#socket.destroySoon();
  }

  // From the socket, by its owner.

  /** @param pool where the chunk's memory is the caller's again at once: copies are taken to its blocks */
  fromSocket(chunk: Uint8Array, pool?: BlockPool): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#bytesIn += chunk.length;
    if (this.#rest !== undefined) {
      // TLS hands out what it has decrypted although the socket was paused meanwhile.
      this.#rest = Buffer.concat([this.#rest, chunk]);
      return;
    }
    const taken = stream.write(chunk, pool);
    if (taken < chunk.length) {
      const rest = chunk.subarray(taken);
      this.#rest = pool === undefined ? rest : Buffer.from(rest);
    } else if (!stream.runsShort()) return;
    // Better before a read that the stream cannot take than behind it: its rest would be copied, or hold all of it.
    this.#waitsForRoom = true;
    this.#socket.pause();
  }

  socketDrained(): void {
    if (this.#mustWait()) return;
    const held = this.#unconsumedBytes;
    this.#unconsumedBytes = 0;
    if (held > 0) this.#stream?.consume(held);
  }

  socketEnded(): void {
    this.#socketHasEnded = true;
    if (this.#rest === undefined) this.#endStream();
  }

  // From the stream, by its session.

  onData(stream: MuxStream, bytes: Uint8Array): void {
    if (this.#bytesOut === 0) this.#owner.onFirstBytes?.(bytes);
    this.#bytesOut += bytes.length;
    // A view would keep the whole message, of which a narrow stream has paid for its piece alone.
    this.#outlet.write(stream.width === 'narrow' ? apart(bytes) : bytes);
    if (this.#mustWait()) this.#unconsumedBytes += bytes.length;
    else stream.consume(bytes.length);
  }

  onEnd(): void {
    this.#outlet.end();
    this.#finishIfOver();
  }

  onReset(stream: MuxStream, code: ResetCode): void {
    const leftBytes = stream.droppedBytes + (this.#rest?.length ?? 0);
    this.#detach();
    this.#owner.onStreamReset(code, leftBytes);
  }

  onWritable(stream: MuxStream): void {
    const rest = this.#rest;
    if (rest !== undefined) {
      const taken = stream.write(rest);
      this.#rest = taken < rest.length ? rest.subarray(taken) : undefined;
      if (this.#rest !== undefined) return;
      if (this.#socketHasEnded) this.#endStream();
      else if (stream.runsShort()) return;
    }
    if (!this.#waitsForRoom) return;
    this.#waitsForRoom = false;
    if (!this.#socketHasEnded) this.#socket.resume();
  }

  /** What was written stays in the stream's window: of a narrow one all of it, else what is beyond the socket's mark. */
  #mustWait(): boolean {
    return this.#outlet.holds(this.isNarrow ? 'anything' : 'too much');
  }

  #endStream(): void {
    this.#stream?.end();
    this.#finishIfOver();
  }

  #finishIfOver(): void {
    const stream = this.#stream;
    const isOver = stream?.endReceived === true && this.#socketHasEnded && this.#rest === undefined;
    if (!isOver) return;
    this.#detach();
    this.#owner.onPipeEnd();
  }

  #detach(): MuxStream | undefined {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#rest = undefined;
    return stream;
  }
}
