/**
 * Finds frame headers in bytes that the transport has cut anywhere. It keeps at most one unfinished header (12 bytes)
 * and reads no payload: how far that goes, and whether the header makes sense, is the receiver's business.
 */
import { headerBytes } from './frame.ts';

export class FrameDecoder {
  /** The fields of the last whole header. Reused: they are valid until the next call of `readHeader`. */
  version = 0;
  type = 0;
  flags = 0;
  id = 0;
  length = 0;

  readonly #partial = new Uint8Array(headerBytes);
  #partialBytes = 0;

  /** Reads on from `at`. Returns where the header ended, or undefined when it wants more bytes than there are. */
  readHeader(bytes: Uint8Array, at: number): number | undefined {
    if (this.#partialBytes === 0 && bytes.length - at >= headerBytes) {
      this.#parse(bytes, at);
      return at + headerBytes;
    }
    const partial = this.#partial;
    let next = at;
    while (this.#partialBytes < headerBytes) {
      if (next === bytes.length) return undefined;
      partial[this.#partialBytes++] = bytes[next++] ?? 0;
    }
    this.#partialBytes = 0;
    this.#parse(partial, 0);
    return next;
  }

  #parse(header: Uint8Array, at: number): void {
    this.version = header[at] ?? 0;
    this.type = header[at + 1] ?? 0;
    this.flags = ((header[at + 2] ?? 0) << 8) | (header[at + 3] ?? 0);
    this.id = readUint32(header, at + 4);
    this.length = readUint32(header, at + 8);
  }
}

function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  // Not `<<`: ids and lengths over 2^31 must not turn negative.
  return high * 0x1_0000 + low;
}
