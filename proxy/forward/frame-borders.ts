/**
 * Follows the borders of WebSocket frames (RFC 6455 §5.2) in one direction of a raw connection, so that a frame of our
 * own can be put between two of them. It reads heads only and keeps no byte.
 */

/** The two bytes every frame begins with; behind them 0, 2 or 8 of length and 0 or 4 of mask. */
const shortHeadBytes = 2;

export class FrameBorders {
  #payloadBytes = 0;
  /** Of the head that is being read; 0: at a border. */
  #headBytes = 0;
  #neededBytes = shortHeadBytes;
  #lengthBytes = 0;
  #length = 0;

  get isAtBorder(): boolean {
    return this.#headBytes === 0 && this.#payloadBytes === 0;
  }

  /**
   * Takes bytes on. `toBorder`: only up to the first border there is, this one included.
   * @returns how many were taken
   */
  advance(bytes: Uint8Array, toBorder = false): number {
    let at = 0;
    while (at < bytes.length) {
      if (toBorder && this.isAtBorder) return at;
      if (this.#payloadBytes > 0) {
        const skipped = Math.min(this.#payloadBytes, bytes.length - at);
        this.#payloadBytes -= skipped;
        at += skipped;
      } else {
        this.#readHeadByte(bytes[at] ?? 0);
        at += 1;
      }
    }
    return at;
  }

  #readHeadByte(byte: number): void {
    this.#headBytes += 1;
    if (this.#headBytes === shortHeadBytes) {
      const short = byte & 0x7f;
      this.#lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
      this.#length = this.#lengthBytes === 0 ? short : 0;
      this.#neededBytes = shortHeadBytes + this.#lengthBytes + ((byte & 0x80) === 0 ? 0 : 4);
    } else if (this.#headBytes > shortHeadBytes && this.#headBytes <= shortHeadBytes + this.#lengthBytes) {
      // A length beyond 2^53 is nobody's: the border then never comes, which is what such a frame deserves.
      this.#length = this.#length * 256 + byte;
    }
    if (this.#headBytes < this.#neededBytes) return;
    this.#headBytes = 0;
    this.#neededBytes = shortHeadBytes;
    this.#payloadBytes = this.#length;
  }
}

/** A server's Close frame (RFC 6455 §5.5.1): a code and a reason of at most 123 bytes. */
export function closeFrame(code: number, reason: string): Uint8Array {
  const text = Buffer.from(reason, 'utf8').subarray(0, 123);
  const frame = Buffer.alloc(4 + text.length);
  frame[0] = 0x88;
  frame[1] = 2 + text.length;
  frame.writeUInt16BE(code, 2);
  frame.set(text, 4);
  return frame;
}
