/**
 * Where the bytes of a stream go out: one socket. What is written in one turn leaves together. What comes while earlier
 * bytes still wait is kept here, in blocks of its own, until those have left: bytes of a stream are views into the
 * message they came in, and a socket that holds one byte of each message would hold all messages whole. So what waits
 * costs about what it weighs, however small the pieces it came in. It knows no streams.
 */
import type { Socket } from 'node:net';
import { ownBytes } from './own-bytes.ts';
import type { WriteBatch } from './write-batch.ts';

/** Smaller pieces are gathered into blocks of this size, larger ones are kept singly. */
const blockBytes = 4 * 1024;

export class Outlet {
  readonly #socket: Socket;
  readonly #batch: WriteBatch;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  /** Behind the kept ones, while it has room. */
  #block: Buffer | undefined;
  #blockUsed = 0;
  /** Our writes that the socket has not called back for: when the last one has left, what is kept goes on. */
  #underWay = 0;
  readonly #onSent = (): void => {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.release();
  };

  constructor(socket: Socket, batch: WriteBatch) {
    this.#socket = socket;
    this.#batch = batch;
  }

  /** Written and not yet taken by the kernel. */
  get unsentBytes(): number {
    return this.#keptBytes + this.#socket.writableLength;
  }

  /** More than its mark waits: a 'drain' of the socket follows, and when there this is false, there is room again. */
  get isFull(): boolean {
    const socket = this.#socket;
    // What is kept goes to the socket in one piece: over its mark, it is told of with a 'drain' as well.
    return socket.writableNeedDrain || this.#keptBytes >= socket.writableHighWaterMark;
  }

  /** Strings are latin1. */
  write(bytes: Uint8Array | string): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    // Held by the batch: what waits there was written in this very turn.
    const isHeld = socket.writableCorked > 0;
    if (this.#keptBytes > 0 || (this.#underWay > 0 && !isHeld)) {
      this.#keep(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
      return;
    }
    this.#batch.hold(socket);
    this.#underWay += 1;
    if (typeof bytes === 'string') socket.write(bytes, 'latin1', this.#onSent);
    else socket.write(bytes, this.#onSent);
  }

  /** Hands the socket what is kept, whatever it still holds. */
  release(): void {
    if (this.#keptBytes === 0) return;
    this.#closeBlock();
    const kept = this.#kept;
    this.#kept = [];
    this.#keptBytes = 0;
    if (this.#socket.destroyed) return;
    this.#batch.hold(this.#socket);
    this.#underWay += kept.length;
    for (const bytes of kept) this.#socket.write(bytes, this.#onSent);
  }

  /** Ends the socket behind what was written. */
  end(): void {
    this.release();
    this.#socket.end();
  }

  #keep(bytes: Uint8Array): void {
    this.#keptBytes += bytes.length;
    if (bytes.length < blockBytes) {
      for (let at = 0; at < bytes.length;) at += this.#fillBlock(bytes, at);
      return;
    }
    this.#closeBlock();
    this.#kept.push(ownBytes(bytes));
  }

  /** Returns how many bytes from `at` on found room. */
  #fillBlock(bytes: Uint8Array, at: number): number {
    this.#block ??= Buffer.allocUnsafeSlow(blockBytes);
    const count = Math.min(bytes.length - at, blockBytes - this.#blockUsed);
    this.#block.set(bytes.subarray(at, at + count), this.#blockUsed);
    this.#blockUsed += count;
    if (this.#blockUsed === blockBytes) this.#closeBlock();
    return count;
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    this.#kept.push(this.#block.subarray(0, this.#blockUsed));
    this.#block = undefined;
    this.#blockUsed = 0;
  }
}
