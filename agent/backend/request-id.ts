/**
 * The request id in the head that the proxy has written, for the log of a failure: found only when something failed, so
 * that the agent otherwise parses no HTTP. It knows no other field.
 */
const fieldStart = '\r\nX-Request-Id: ';

/** @param first the first bytes of the stream */
export function requestIdOf(first: Uint8Array | undefined): string | undefined {
  if (first === undefined) return undefined;
  const bytes = Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  const headEnd = bytes.indexOf('\r\n\r\n', 0, 'latin1');
  const at = bytes.indexOf(fieldStart, 0, 'latin1');
  // In the head and nowhere else: a body may say anything.
  if (at === -1 || (headEnd !== -1 && at > headEnd)) return undefined;
  const from = at + fieldStart.length;
  const to = bytes.indexOf('\r\n', from, 'latin1');
  return to === -1 ? undefined : bytes.toString('latin1', from, to);
}

/** Where a status line has the first digit of its status (RFC 9112 §4). */
const statusAt = 'HTTP/1.1 '.length;
const one = 0x31;

/**
 * Whether an answer that begins so is an interim one or switches protocols (RFC 9110 §15.2). A guess, for who may hold less then:
 * nothing is wrong where it is.
 */
export function isInterim(answer: Uint8Array): boolean {
  return answer[statusAt] === one;
}
