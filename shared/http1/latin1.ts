/**
 * Bytes to text and nothing else: latin1, one char a byte (rule 10). Outside this room a caller passes in Buffer's native decoder;
 * inside there is this one, which needs no platform.
 */

/** The text of bytes[start, end). */
export type DecodeLatin1 = (bytes: Uint8Array, start: number, end: number) => string;

/** An argument list lives on the stack: a piece must be small. */
const PIECE_BYTES = 4096;

export function decodeLatin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += PIECE_BYTES) {
    text += Reflect.apply(
      String.fromCharCode,
      undefined,
      bytes.subarray(at, Math.min(end, at + PIECE_BYTES)),
    );
  }
  return text;
}
