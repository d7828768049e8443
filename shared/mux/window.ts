/**
 * How much a peer may send: the receive window of one stream, its growth, and the budget that bounds the growth of
 * many. Arithmetic only: it knows neither frames nor when an update goes out.
 *
 * Of a window of `size` bytes the peer holds `credit`, `arriving` is announced by a frame header and still under way, the
 * application holds `unconsumed`, and the rest was consumed and is not granted again yet:
 * `size = credit + arriving + unconsumed + returnable`.
 */

/** What both ends assume of a new stream (spec, "flow control"). */
export const initialWindowBytes = 262_144;

/** What both ends assume of a stream whose SYN says that it is narrow: our profile, for when memory is short. */
export const narrowWindowBytes = 8_192;

/** On a shorter path the turns of the two event loops are the longer part of a round trip. */
const leastPathMs = 1;

/** Where bytes are taken from before they are held. */
export interface Reserve {
  /** All or nothing. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
}

/** Bounds the sum of what windows grow beyond their initial size: one for a link, its parent for the process. */
export class WindowBudget implements Reserve {
  readonly limitBytes: number;
  readonly #parent: Reserve | undefined;
  #reservedBytes = 0;

  constructor(limitBytes: number, parent?: Reserve) {
    this.limitBytes = limitBytes;
    this.#parent = parent;
  }

  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** All or nothing, here and in every budget above. */
  reserve(bytes: number): boolean {
    if (this.#reservedBytes + bytes > this.limitBytes) return false;
    if (this.#parent !== undefined && !this.#parent.reserve(bytes)) return false;
    this.#reservedBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    if (bytes > this.#reservedBytes) throw new Error('more window budget given back than was taken');
    this.#reservedBytes -= bytes;
    this.#parent?.release(bytes);
  }
}

export class ReceiveWindow {
  readonly #maxBytes: number;
  readonly #budget: WindowBudget;
  #sizeBytes: number;
  #creditBytes: number;
  #arrivingBytes = 0;
  #unconsumedBytes = 0;
  #grownBytes = 0;
  /** Consumed since `#epochMs`: how fast the reader is. */
  #epochBytes = 0;
  #epochMs = 0;

  constructor(maxBytes: number, budget: WindowBudget, sizeBytes = initialWindowBytes) {
    this.#maxBytes = maxBytes;
    this.#budget = budget;
    this.#sizeBytes = sizeBytes;
    this.#creditBytes = sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What the peer may still send. */
  get creditBytes(): number {
    return this.#creditBytes;
  }

  /** Delivered and not yet consumed. */
  get unconsumedBytes(): number {
    return this.#unconsumedBytes;
  }

  /** Half a window to grant: fewer, larger updates, and the sender never waits for one while the reader keeps up. */
  get isUpdateDue(): boolean {
    return this.#returnableBytes >= this.#sizeBytes / 2;
  }

  /** Takes a data frame of this length off the credit; false if the credit does not cover it. */
  accept(lengthBytes: number): boolean {
    if (lengthBytes > this.#creditBytes) return false;
    this.#creditBytes -= lengthBytes;
    this.#arrivingBytes += lengthBytes;
    return true;
  }

  deliver(bytes: number): void {
    this.#arrivingBytes -= bytes;
    this.#unconsumedBytes += bytes;
  }

  consume(bytes: number): void {
    this.#unconsumedBytes -= bytes;
    this.#epochBytes += bytes;
  }

  /** Everything that can be granted now becomes credit; returns how much that is. */
  takeUpdate(): number {
    const returnableBytes = this.#returnableBytes;
    this.#creditBytes += returnableBytes;
    return returnableBytes;
  }

  /**
   * @param pathMs the round trip of the path, without its queues; undefined: not known yet
   *
   * Called as data arrives, because only then the time is fresh. A window that was consumed whole within two round
   * trips is what holds the sender back: it grows to four times its size, to twice where the budget has no more, as far as the
   * maximum allows. Each step costs a round trip, and 16 MiB are three steps away. A slow reader never gets here in time, so
   * its window stays small.
   */
  tune(nowMs: number, pathMs: number | undefined): void {
    if (this.#epochBytes === 0) {
      this.#epochMs = nowMs;
      return;
    }
    if (this.#epochBytes < this.#sizeBytes) return;
    const isFast = pathMs !== undefined && nowMs - this.#epochMs <= 2 * Math.max(pathMs, leastPathMs);
    this.#epochBytes = 0;
    this.#epochMs = nowMs;
    if (isFast && !this.#grow(3 * this.#sizeBytes)) this.#grow(this.#sizeBytes);
  }

  #grow(byBytes: number): boolean {
    const growthBytes = Math.min(byBytes, this.#maxBytes - this.#sizeBytes);
    if (growthBytes <= 0 || !this.#budget.reserve(growthBytes)) return false;
    this.#sizeBytes += growthBytes;
    this.#grownBytes += growthBytes;
    return true;
  }

  /**
   * What was consumed is not granted again, as far as the window is larger than a narrow one: what it had grown by goes back to
   * its budget. Returns how much of what it began with is given up beyond that.
   */
  shrink(): number {
    const bytes = Math.min(this.#returnableBytes, this.#sizeBytes - narrowWindowBytes);
    if (bytes <= 0) return 0;
    const ofGrowthBytes = Math.min(bytes, this.#grownBytes);
    this.#sizeBytes -= bytes;
    this.#grownBytes -= ofGrowthBytes;
    this.#budget.release(ofGrowthBytes);
    return bytes - ofGrowthBytes;
  }

  /** The stream is over: its growth goes back to the budget. Idempotent. */
  release(): void {
    this.#budget.release(this.#grownBytes);
    this.#grownBytes = 0;
  }

  get #returnableBytes(): number {
    return this.#sizeBytes - this.#creditBytes - this.#arrivingBytes - this.#unconsumedBytes;
  }
}
