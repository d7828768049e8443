/**
 * Memory for bytes that wait to be framed while whoever read them reads on into the same place: blocks that go round among all
 * streams of a program. Fresh memory for each read counts with the garbage collector, which marks the whole heap for some thirty
 * megabytes of it, and that costs more than the copy. It knows no streams.
 */

/** As large as the reads of node's sockets. */
const blockBytes = 64 * 1024;

/** Empty blocks that are kept, for the next burst: 2 MiB. */
const mostSpare = 32;

export class Block {
  readonly #pool: BlockPool;
  readonly #bytes = new Uint8Array(blockBytes);
  #usedBytes = 0;
  #pieces = 0;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  get roomBytes(): number {
    return blockBytes - this.#usedBytes;
  }

  /** The copy, behind those that are there. It stands until it `left` as often as there were copies. */
  copy(bytes: Uint8Array): Uint8Array {
    const start = this.#usedBytes;
    this.#usedBytes += bytes.length;
    this.#pieces += 1;
    this.#bytes.set(bytes, start);
    return this.#bytes.subarray(start, this.#usedBytes);
  }

  /** One of its pieces is needed no more. True: none is, and it belongs to the pool again. */
  left(): boolean {
    this.#pieces -= 1;
    if (this.#pieces > 0) return false;
    this.#usedBytes = 0;
    this.#pool.giveBack(this);
    return true;
  }
}

export class BlockPool {
  readonly #spare: Block[] = [];

  take(): Block {
    return this.#spare.pop() ?? new Block(this);
  }

  /** By the block itself. */
  giveBack(block: Block): void {
    if (this.#spare.length < mostSpare) this.#spare.push(block);
  }
}
