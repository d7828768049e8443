/**
 * The WebSocket frames of the load (RFC 6455 §5.2): short binary ones, the client's with a mask of zeros, which a tunnel passes
 * like any other and which cost the two ends of the load nothing. It is no WebSocket library.
 */

const binaryFinal = 0x82;
const maskBit = 0x80;
const maskBytes = 4;

/** A whole frame. `from`: only a client's has a mask (§5.1). */
export function frameOf(payload: Uint8Array, from: 'client' | 'server'): Buffer {
  const { length } = payload;
  const mask = from === 'client' ? maskBit : 0;
  const head =
    length < 126 ? [binaryFinal, mask | length] : [binaryFinal, mask | 126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(from === 'client' ? maskBytes : 0), payload]);
}

export interface Echo {
  /** A server's frames with the payloads of the whole frames of the client. */
  readonly echoed: Buffer;
  readonly rest: Buffer;
}

export function echoFrames(bytes: Buffer): Echo {
  const echoed: Buffer[] = [];
  let at = 0;
  for (;;) {
    if (bytes.length - at < 2) break;
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const headBytes = (short < 126 ? 2 : 4) + maskBytes;
    if (bytes.length - at < headBytes) break;
    const length = short < 126 ? short : bytes.readUInt16BE(at + 2);
    const end = at + headBytes + length;
    if (bytes.length < end) break;
    echoed.push(frameOf(bytes.subarray(at + headBytes, end), 'server'));
    at = end;
  }
  const [first = bytes.subarray(0, 0)] = echoed;
  return { echoed: echoed.length > 1 ? Buffer.concat(echoed) : first, rest: bytes.subarray(at) };
}
