/** What a WebSocket frame is made of (RFC 6455 §5.2), and how a short one is written. It knows no socket. */
import { randomFillSync } from 'node:crypto';

/** none: as a server sends. random: as a client must. zero: a client's whose bytes nobody on the way can read. */
export type Masking = 'none' | 'random' | 'zero';

export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export const finalBit = 0x80;
export const maskBit = 0x80;
export const maskBytes = 4;
/** Longer payloads have their length in two bytes, or in eight. */
export const longestShortPayload = 125;
export const twoByteLength = 126;
export const eightByteLength = 127;

/** Close codes that a frame may hold (§7.4): those that only say how a connection ended are not among them. */
export function isCloseCode(code: number): boolean {
  if (code >= 3_000) return code < 5_000;
  return code >= 1_000 && code <= 1_014 && code !== 1_004 && code !== 1_005 && code !== 1_006;
}

/** A whole frame in memory of its own: for control frames and text; binary ones are put together in a slab. */
export function writeFrame(code: number, payload: Uint8Array, masking: Masking): Uint8Array {
  const { length } = payload;
  const lengthBytes = length <= longestShortPayload ? 0 : length <= 0xffff ? 2 : 8;
  const short = lengthBytes === 0 ? length : lengthBytes === 2 ? twoByteLength : eightByteLength;
  const headBytes = 2 + lengthBytes + (masking === 'none' ? 0 : maskBytes);
  const frame = Buffer.alloc(headBytes + length);
  frame[0] = finalBit | code;
  frame[1] = (masking === 'none' ? 0 : maskBit) | short;
  if (lengthBytes === 2) frame.writeUInt16BE(length, 2);
  if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(length), 2);
  frame.set(payload, headBytes);
  if (masking === 'random') {
    const mask = randomFillSync(frame.subarray(headBytes - maskBytes, headBytes));
    applyMask(frame.subarray(headBytes), mask, 0);
  }
  return frame;
}

/** The payload of a Close frame: a code, and as much of the reason as a control frame holds (§5.5.1). */
export function closePayload(code: number, reason: string): Uint8Array {
  const payload = Buffer.alloc(longestShortPayload);
  payload.writeUInt16BE(code, 0);
  // Whole characters only: write() never leaves half of one.
  const end = 2 + payload.write(reason, 2, 'utf8');
  return payload.subarray(0, end);
}

/** Below it, views of words cost more than they save. */
const leastWordwise = 128;

/** Lays the mask over the bytes in place, or takes it off (§5.3). @param phase the place of the first byte in its payload */
export function applyMask(bytes: Uint8Array, mask: Uint8Array, phase: number): void {
  const { length } = bytes;
  let at = 0;
  if (length >= leastWordwise) {
    for (; ((bytes.byteOffset + at) & 3) !== 0; at += 1) bytes[at] = bytes[at]! ^ mask[(phase + at) & 3]!;
    // In the byte order of this machine, whichever that is.
    // No from(): it calls back for each byte, which a short message pays for.
    const turned = new Uint8Array(maskBytes);
    for (let i = 0; i < maskBytes; i += 1) turned[i] = mask[(phase + at + i) & 3]!;
    const word = new Int32Array(turned.buffer)[0]!;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (length - at) >> 2);
    for (let i = 0; i < words.length; i += 1) words[i] = words[i]! ^ word;
    at += words.length << 2;
  }
  for (; at < length; at += 1) bytes[at] = bytes[at]! ^ mask[(phase + at) & 3]!;
}
