/** Bytes to text for heads: node's native latin1, which the rooms without I/O cannot reach. */
import type { DecodeLatin1 } from '../http1/head.ts';

export const decodeLatin1: DecodeLatin1 = (bytes, start, end) => {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString('latin1', start, end);
};
