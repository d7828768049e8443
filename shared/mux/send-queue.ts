/**
 * The sending half of one stream: the credit its peer has granted, and what it was given to send and has not framed yet. It keeps
 * references, and copies every byte once, into the output; where the writer needs its memory back at once, it keeps copies in blocks.
 * It knows neither frames nor flags.
 */
import type { Block, BlockPool } from './blocks.ts';
import { maxUint32 } from './frame.ts';
import { initialWindowBytes } from './window.ts';

/**
 * Places that an empty queue keeps: a message at a time fills one, and making a new array for each would be a fifth of what it leaves
 * to the collector. What a burst has needed is given back.
 */
const keptPlaces = 16;

/** Bounds the references: without it a writer of single bytes could hold 131,072 views in 128 KiB. */
const maxChunks = 1_024;

export class SendQueue {
  readonly #maxBytes: number;
  /** From `#head` up to `#end`; the other places are empty. */
  #chunks: (Uint8Array | undefined)[] = [undefined];
  /** Of each chunk: where it was copied to, if it was. */
  #blocks: (Block | undefined)[] = [undefined];
  /** The block that the next copies go to, while any of it waits: so copies cost what they weigh and two blocks at most. */
  #tail: Block | undefined = undefined;
  /** The first chunk that still has bytes, and how many of it are gone. */
  #head = 0;
  #headOffset = 0;
  #end = 0;
  #bytes = 0;
  /** What the peer takes beyond what is queued: taken off as bytes are queued, so that nothing queued ever waits for credit. */
  #creditBytes: number;
  #isStarved = false;

  constructor(maxBytes: number, creditBytes = initialWindowBytes) {
    this.#maxBytes = maxBytes;
    this.#creditBytes = creditBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get roomBytes(): number {
    if (this.#end - this.#head >= maxChunks) return 0;
    return Math.min(this.#creditBytes, this.#maxBytes - this.#bytes);
  }

  /**
   * Takes as much as there is room for; returns how much.
   * @param pool of the blocks that copies are taken to; without it the bytes are kept by reference
   */
  offer(bytes: Uint8Array, pool?: BlockPool): number {
    const taken = Math.min(bytes.length, this.roomBytes);
    if (taken < bytes.length) this.#isStarved = true;
    if (taken === 0) return 0;
    const chunk = taken === bytes.length ? bytes : bytes.subarray(0, taken);
    if (pool === undefined) this.#push(chunk, undefined);
    else this.#copy(chunk, pool);
    this.#bytes += taken;
    this.#creditBytes -= taken;
    return taken;
  }

  /** So little room is left that whoever has just offered something should wait for the relief that follows when it has left. */
  runsShort(): boolean {
    if (this.roomBytes >= this.#maxBytes / 4) return false;
    this.#isStarved = true;
    return true;
  }

  /** More was offered than there was credit for, or would be: the peer's window is full, and its reader is what is waited for. */
  get isStalled(): boolean {
    return this.#isStarved && this.#creditBytes === 0;
  }

  /** The peer's window update; false if it takes the window over 2^32-1. */
  acceptCredit(bytes: number): boolean {
    if (this.#creditBytes + this.#bytes + bytes > maxUint32) return false;
    this.#creditBytes += bytes;
    return true;
  }

  /** True once after an offer was cut short, as soon as half the queue is free: so writes do not come in crumbs. */
  takeRelief(): boolean {
    if (!this.#isStarved || this.#bytes > this.#maxBytes / 2 || this.roomBytes === 0) return false;
    this.#isStarved = false;
    return true;
  }

  /** Copies at most `limitBytes` to `at` and forgets them; returns how many. */
  takeInto(into: Uint8Array, at: number, limitBytes: number): number {
    let taken = 0;
    while (taken < limitBytes) {
      const chunk = this.#chunks[this.#head];
      if (chunk === undefined) break;
      const leftBytes = chunk.length - this.#headOffset;
      const bytes = Math.min(leftBytes, limitBytes - taken);
      const isWhole = bytes === chunk.length;
      into.set(isWhole ? chunk : chunk.subarray(this.#headOffset, this.#headOffset + bytes), at + taken);
      taken += bytes;
      if (bytes === leftBytes) this.#forgetHead();
      else this.#headOffset += bytes;
    }
    this.#bytes -= taken;
    return taken;
  }

  clear(): void {
    while (this.#head < this.#end) this.#forgetHead();
    this.#bytes = 0;
  }

  #push(chunk: Uint8Array, block: Block | undefined): void {
    this.#chunks[this.#end] = chunk;
    this.#blocks[this.#end] = block;
    this.#end += 1;
  }

  #copy(bytes: Uint8Array, pool: BlockPool): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#tail === undefined || this.#tail.roomBytes === 0) this.#tail = pool.take();
      const end = Math.min(bytes.length, at + this.#tail.roomBytes);
      this.#push(this.#tail.copy(bytes.subarray(at, end)), this.#tail);
      at = end;
    }
  }

  #forgetHead(): void {
    const block = this.#blocks[this.#head];
    if (block?.left() === true && block === this.#tail) this.#tail = undefined;
    this.#headOffset = 0;
    this.#chunks[this.#head] = undefined;
    this.#blocks[this.#head] = undefined;
    this.#head++;
    if (this.#head === this.#end) {
      this.#head = 0;
      this.#end = 0;
      if (this.#chunks.length <= keptPlaces) return;
      this.#chunks = [undefined];
      this.#blocks = [undefined];
    } else if (this.#head === maxChunks) {
      // The arrays stay within twice the bound, at a cost of one move per chunk.
      this.#chunks.splice(0, maxChunks);
      this.#blocks.splice(0, maxChunks);
      this.#head = 0;
      this.#end -= maxChunks;
    }
  }
}
