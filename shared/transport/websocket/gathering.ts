/**
 * Bytes that are gathered until they are whole. They cost about what they weigh, however many pieces they come in: a peer
 * decides on that, down to a byte a piece. It knows no frames.
 */

/** What a short control message takes, so that it is not moved at all. */
const leastBytes = 128;

export class Gathering {
  #bytes = new Uint8Array(0);
  #length = 0;

  /** A copy is kept: the piece may be a view into a whole read. */
  add(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      // Twice as much each time: all moves together cost no more than the bytes themselves.
      const larger = new Uint8Array(Math.max(leastBytes, length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
  }

  /** All of them, the receiver's to keep; the next ones begin anew. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    return taken;
  }
}
