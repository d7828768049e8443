/** Writes the frame of a chunked body (RFC 9112 §7.1), with sizes of our own (rule 31): what stands around the data. */
import type { Field } from './fields.ts';

/** The line before a chunk of so many bytes; behind the bytes comes CRLF. A size of 0 would end the body: that is `writeTrailers`. */
export function chunkHead(size: number): string {
  if (size <= 0) throw new Error('chunkHead: a chunk holds at least one byte');
  return `${size.toString(16)}\r\n`;
}

/** The end of a chunked body: last chunk, trailers, empty line. */
export function writeTrailers(fields: readonly Field[]): string {
  let text = '0\r\n';
  for (const { name, value } of fields) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}
