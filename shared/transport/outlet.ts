/**
 * Where the bytes of a stream go out: one socket. What is written in one turn leaves together. What comes while earlier
 * bytes still wait is kept here, in blocks of its own, until those have left: bytes of a stream are views into the
 * message they came in, and a socket that holds one byte of each message would hold all messages whole. So what waits
 * costs about what it weighs, however small the pieces it came in. It knows no streams.
 */
import type { Socket } from 'node:net';
import { decodeLatin1 } from './latin1.ts';
import { ownBytes } from './own-bytes.ts';
import type { Gatherer, WriteBatch } from './write-batch.ts';

/** Smaller pieces are gathered into blocks of this size, larger ones are kept singly. */
const blockBytes = 4 * 1024;
/** So small a piece of this turn is copied behind the text before it: one string is the cheapest thing a socket can write. */
export const textBytes = 1024;

export class Outlet implements Gatherer {
  readonly #socket: Socket;
  readonly #batch: WriteBatch;
  readonly #markBytes: number;
  /** Of this turn, and not given to the socket yet: latin1. */
  #text = '';
  #isGathering = false;
  #hasCorked = false;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  /** Behind the kept ones, while it has room. */
  #block: Buffer | undefined;
  #blockUsed = 0;
  /** Our writes that the socket has not called back for: when the last one has left, what is kept goes on. */
  #underWay = 0;
  /**
   * The kernel took our last text at once, as it nearly always does: node is not asked to call back for the next one, which it would
   * do by way of a queue and two objects, and which are a tenth of what a short message costs.
   */
  #isPrompt = true;
  readonly #onEmpty: (() => void) | undefined;
  #isAwaited = false;
  readonly #onSent = (): void => {
    this.#underWay -= 1;
    if (this.#underWay > 0) return;
    this.release();
    if (!this.#isAwaited || this.unsentBytes > 0) return;
    this.#isAwaited = false;
    this.#onEmpty?.();
  };

  /** @param onEmpty everything has left, after `holds('anything')` was true */
  constructor(socket: Socket, batch: WriteBatch, onEmpty?: () => void) {
    this.#onEmpty = onEmpty;
    this.#socket = socket;
    this.#batch = batch;
    this.#markBytes = socket.writableHighWaterMark;
  }

  /** Written and not yet taken by the kernel. */
  get unsentBytes(): number {
    return this.#text.length + this.#keptBytes + this.#socket.writableLength;
  }

  /** More than its mark waits: a 'drain' of the socket follows, and when there this is false, there is room again. */
  get isFull(): boolean {
    // What is kept goes to a corked socket: over its mark, it is told of with a 'drain' as well.
    return this.#socket.writableNeedDrain || this.#keptBytes >= this.#markBytes;
  }

  /**
   * Whether whoever counts what is held here should count it still: all of it, or what is over the socket's mark. As long
   * as it is so of all, its owner is told when everything has left.
   */
  holds(amount: 'anything' | 'too much'): boolean {
    if (amount === 'too much') return this.isFull;
    const waits = this.unsentBytes > 0;
    if (waits) this.#isAwaited = true;
    return waits;
  }

  /** Strings are latin1. */
  write(bytes: Uint8Array | string): void {
    if (this.#socket.destroyed) return;
    // While it gathers, what waits was written in this very turn.
    if (this.#keptBytes > 0 || (this.#underWay > 0 && !this.#isGathering)) {
      this.#keep(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
      return;
    }
    this.#gather();
    if (typeof bytes !== 'string' && bytes.length > textBytes) {
      this.#cork();
      this.#sendText();
      this.#underWay += 1;
      this.#socket.write(bytes, this.#onSent);
      return;
    }
    this.#text += typeof bytes === 'string' ? bytes : decodeLatin1(bytes, 0, bytes.length);
    if (this.#text.length < this.#markBytes) return;
    // Node promises no 'drain' for what the kernel takes at once, unless the socket was corked.
    this.#cork();
    this.#sendText();
  }

  /** From the batch. */
  flush(): void {
    this.#isGathering = false;
    this.#sendText();
    if (!this.#hasCorked) return;
    this.#hasCorked = false;
    this.#socket.uncork();
  }

  /** Hands the socket what was gathered and what is kept, whatever it still holds. */
  release(): void {
    this.#sendText();
    if (this.#keptBytes === 0) return;
    this.#closeBlock();
    const kept = this.#kept;
    this.#kept = [];
    this.#keptBytes = 0;
    if (this.#socket.destroyed) return;
    this.#gather();
    this.#cork();
    this.#underWay += kept.length;
    for (const bytes of kept) this.#socket.write(bytes, this.#onSent);
  }

  /** Ends the socket behind what was written. */
  end(): void {
    this.release();
    this.#socket.end();
  }

  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#batch.join(this);
  }

  /** Until the turn is over: several pieces leave in one call. */
  #cork(): void {
    if (this.#hasCorked) return;
    this.#hasCorked = true;
    this.#socket.cork();
  }

  #sendText(): void {
    const text = this.#text;
    if (text === '') return;
    this.#text = '';
    const socket = this.#socket;
    if (socket.destroyed) return;
    if (!this.#isPrompt || this.#isAwaited || this.#hasCorked) {
      this.#underWay += 1;
      socket.write(text, 'latin1', this.#onSent);
      this.#isPrompt = socket.writableLength === 0;
      return;
    }
    socket.write(text, 'latin1');
    if (socket.writableLength === 0) return;
    this.#isPrompt = false;
    // It waits after all. What comes behind it leaves behind it, an empty piece as well.
    this.#underWay += 1;
    socket.write('', 'latin1', this.#onSent);
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
