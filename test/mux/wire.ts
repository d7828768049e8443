/** Bytes as a person writes them, and frames taken apart again: what the tests of the wire compare. */
import type { MuxSession } from '../../shared/mux/session.ts';

/** Hex with blanks anywhere. */
export function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s+/g, ''), 'hex'));
}

export function header(type: number, flags: number, id: number, length: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes[1] = type;
  bytes.writeUInt16BE(flags, 2);
  bytes.writeUInt32BE(id, 4);
  bytes.writeUInt32BE(length, 8);
  return bytes;
}

export function dataFrame(flags: number, id: number, payload: Uint8Array): Uint8Array {
  return Buffer.concat([header(0, flags, id, payload.length), payload]);
}

const types = ['data', 'update', 'ping', 'goaway'];
const flagNames = ['SYN', 'ACK', 'FIN', 'RST'];

/** Frames as words: `data SYN+FIN 1 5`, `update 1 131072`, `ping SYN 7`, `goaway 1`. Payload is left out. */
export function framesOf(bytes: Uint8Array): string[] {
  const frames: string[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const type = view.getUint8(at + 1);
    const flags = view.getUint16(at + 2);
    const id = view.getUint32(at + 4);
    const length = view.getUint32(at + 8);
    const names = flagNames.filter((_, bit) => (flags & (1 << bit)) !== 0).join('+');
    frames.push(
      [types[type] ?? '?', names, type < 2 ? id : '', length].filter((word) => word !== '').join(' '),
    );
    at += 12 + (type === 0 ? length : 0);
    if (at > bytes.length) throw new Error('output ends within a frame');
  }
  return frames;
}

/** Everything the session has to say now. */
export function takeAll(session: MuxSession, bufferBytes = 65_536): Buffer {
  const into = new Uint8Array(bufferBytes);
  const parts: Buffer[] = [];
  for (;;) {
    const taken = session.takeOutput(into);
    if (taken === 0) return Buffer.concat(parts);
    parts.push(Buffer.from(into.subarray(0, taken)));
  }
}
