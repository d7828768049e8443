/**
 * Bytes by the gigabyte for both ends of a transfer: made in blocks that no two places of a body share, and summed as
 * they pass. Nothing is kept, so that neither end of the test is what runs out of memory.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { Readable, Transform } from 'node:stream';

const blockBytes = 256 * 1024;

export interface Sum {
  readonly bytes: number;
  readonly sha256: string;
}

/** A body of exactly that many bytes. Every block carries its number: one lost, doubled or moved changes the sum. */
export function bulkBody(bytes: number): Readable {
  function* blocks(): Generator<Buffer> {
    const noise = randomFillSync(Buffer.alloc(blockBytes));
    for (let sent = 0; sent < bytes; sent += blockBytes) {
      const block = Buffer.from(noise.subarray(0, Math.min(blockBytes, bytes - sent)));
      if (block.length >= 8) block.writeBigUInt64BE(BigInt(sent));
      yield block;
    }
  }
  return Readable.from(blocks(), { objectMode: false });
}

/** Hands bytes on and sums them; `sum` is final when the stream has ended. */
export class Summing extends Transform {
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #sum: Sum | undefined;

  get sum(): Sum {
    this.#sum ??= { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
    return this.#sum;
  }

  override _transform(
    bytes: Buffer,
    _encoding: BufferEncoding,
    done: (error: null, bytes: Buffer) => void,
  ): void {
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    done(null, bytes);
  }
}
