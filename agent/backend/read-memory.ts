/**
 * Where reads of the backend's sockets go first: one piece of memory for all of them, from which what was read is copied at
 * once. Node's own way leaves with every socket that is not read up to twice 64 KiB; here it is one read, and how large that is
 * depends on what the exchange may hold. It knows no sockets.
 */
import { BlockPool } from '../../shared/mux/blocks.ts';

/** As large as node's own reads. */
const largeBytes = 64 * 1024;
/** What the memory budget has for a read of a narrow stream. */
const smallBytes = 16 * 1024;
/** Up to here, what was read is copied in the size that it has: a block that waits is 64 KiB, whatever is in it. */
const leastForBlocks = 16 * 1024;

export class ReadMemory {
  readonly #large = Buffer.allocUnsafeSlow(largeBytes);
  readonly #small = this.#large.subarray(0, smallBytes);
  readonly #blocks = new BlockPool();

  /** Where the next read goes. */
  room(size: 'large' | 'small'): Uint8Array {
    return size === 'large' ? this.#large : this.#small;
  }

  /** Where so much of a read should be copied to piece by piece, as far as it has to wait; else it is taken as it is. */
  poolFor(count: number, isNarrow: boolean): BlockPool | undefined {
    return count > leastForBlocks && !isNarrow ? this.#blocks : undefined;
  }

  /** What was read there, in memory of its own. */
  take(bytes: Uint8Array, count: number): Uint8Array {
    const own = Buffer.allocUnsafe(count);
    own.set(bytes.subarray(0, count));
    return own;
  }
}
