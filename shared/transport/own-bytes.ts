/** Bytes that wait should not keep much more alive than themselves: a piece of a message is a view into all of it. */

/** A piece stays a view only where it is at least this part of what it keeps alive. */
const leastShare = 1 / 4;

/** So small a piece is copied by whoever writes it. */
const smallBytes = 1024;

/** The same bytes, in memory that nobody else keeps alive. */
export function apart(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= smallBytes) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** The bytes themselves, or a copy in memory of their own (no pool, which others would keep alive). */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.length >= bytes.buffer.byteLength * leastShare) return bytes;
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
