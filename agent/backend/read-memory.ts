/**
 * Where reads of the backend's sockets go first: one piece of memory for all of them, from which what was read is copied at
 * once, in the size that it has. Node's own way leaves with every socket that is not read up to twice 64 KiB; here it is one read,
 * and how large that is depends on what the exchange may hold. It knows no sockets.
 */

/** As large as node's own reads. */
const largeBytes = 64 * 1024;
/** What the memory budget has for a read of a narrow stream. */
const smallBytes = 16 * 1024;

export class ReadMemory {
  readonly #large = Buffer.allocUnsafeSlow(largeBytes);
  readonly #small = this.#large.subarray(0, smallBytes);

  /** Where the next read goes. */
  room(size: 'large' | 'small'): Uint8Array {
    return size === 'large' ? this.#large : this.#small;
  }

  /** What was read there, in memory of its own. */
  take(bytes: Uint8Array, count: number): Uint8Array {
    const own = Buffer.allocUnsafe(count);
    own.set(bytes.subarray(0, count));
    return own;
  }
}
