/**
 * Memory in which the binary messages of one WebSocket are put together: the payload is filled in by whoever has it, the
 * head (RFC 6455 §5.2) is set before it and the mask (§5.3) laid over it in place, so that a message leaves as one piece
 * and its bytes are copied nowhere. What has left the socket makes room for what comes: a link that is busy allocates
 * nothing. It knows no socket.
 */
import { randomFillSync } from 'node:crypto';

/** none: as a server sends. random: as a client must. zero: a client's whose bytes nobody on the way can read. */
export type Masking = 'none' | 'random' | 'zero';

const slabBytes = 64 * 1024;
/** Two bytes, two of length for what is over 125 bytes, four of mask; the length of a message fits in two bytes. */
const mostHeadBytes = 8;
const maskBytes = 4;
const finalBinary = 0x82;
const maskBit = 0x80;
const longestShortPayload = 125;
const twoByteLength = 126;
/** Random bytes are fetched for so many masks at once: one by one they cost more than the masking. */
const masksFetched = 1_024;

/** A link's socket takes about 128 KiB: as many slabs wait in it, and one is being filled. */
const maxSpare = 4;

interface Slab {
  readonly bytes: Buffer;
  readonly words: Int32Array;
  /** Messages that have not left the socket. */
  underWay: number;
  /** To be called when one of them has. */
  readonly left: () => void;
}

export class MessageSlab {
  readonly #masking: Masking;
  /** Empty, and nothing refers to them. */
  readonly #spare: Slab[] = [];
  #slab: Slab;
  #used = 0;
  #masks = Buffer.alloc(0);

  constructor(masking: Masking) {
    this.#masking = masking;
    this.#slab = this.#allocate();
  }

  /** Room for a payload of at least so many bytes (with its head far below 64 KiB). */
  room(leastBytes: number): Uint8Array {
    if (slabBytes - this.#payloadStart < leastBytes) {
      this.#slab = this.#spare.pop() ?? this.#allocate();
      this.#used = 0;
    }
    return this.#slab.bytes.subarray(this.#payloadStart);
  }

  /** What has to be called when the message that was sealed last has left: its memory is used again then. */
  get left(): () => void {
    return this.#slab.left;
  }

  /** The whole message, of which the first `payloadBytes` of the room are the payload. */
  seal(payloadBytes: number): Uint8Array {
    const payloadStart = this.#payloadStart;
    const end = payloadStart + payloadBytes;
    const isMasked = this.#masking !== 'none';
    const isShort = payloadBytes <= longestShortPayload;
    const start = payloadStart - (isMasked ? maskBytes : 0) - (isShort ? 2 : 4);
    const { bytes } = this.#slab;
    bytes[start] = finalBinary;
    bytes[start + 1] = (isMasked ? maskBit : 0) | (isShort ? payloadBytes : twoByteLength);
    if (!isShort) bytes.writeUInt16BE(payloadBytes, start + 2);
    if (this.#masking === 'zero') bytes.fill(0, payloadStart - maskBytes, payloadStart);
    if (this.#masking === 'random') this.#mask(payloadStart, end);
    this.#used = end;
    this.#slab.underWay += 1;
    return bytes.subarray(start, end);
  }

  #allocate(): Slab {
    const bytes = Buffer.allocUnsafeSlow(slabBytes);
    const slab: Slab = {
      bytes,
      words: new Int32Array(bytes.buffer),
      underWay: 0,
      left: () => {
        slab.underWay -= 1;
        if (slab.underWay > 0) return;
        if (slab === this.#slab) this.#used = 0;
        else if (this.#spare.length < maxSpare) this.#spare.push(slab);
      },
    };
    return slab;
  }

  /** On a word's border, so that the mask goes on word by word. */
  get #payloadStart(): number {
    return ((this.#used + 3) & ~3) + mostHeadBytes;
  }

  #mask(payloadStart: number, end: number): void {
    if (this.#masks.length === 0) this.#masks = randomFillSync(Buffer.alloc(masksFetched * maskBytes));
    const { bytes, words } = this.#slab;
    const maskStart = payloadStart - maskBytes;
    this.#masks.copy(bytes, maskStart, 0, maskBytes);
    this.#masks = this.#masks.subarray(maskBytes);
    const mask = words[maskStart >> 2] ?? 0;
    const lastWord = end >> 2;
    for (let word = payloadStart >> 2; word < lastWord; word += 1) words[word] = (words[word] ?? 0) ^ mask;
    for (let at = lastWord << 2; at < end; at += 1)
      bytes[at] = (bytes[at] ?? 0) ^ (bytes[maskStart + (at & 3)] ?? 0);
  }
}
