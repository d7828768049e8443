/** Body readers: sized, until close, and chunked with large and with small chunks. */
import type { Bench } from 'tinybench';
import { createBodyReader } from '../../shared/http1/body.ts';
import type { Framing } from '../../shared/http1/framing.ts';
import { decodeLatin1 } from '../../shared/transport/latin1.ts';
import { Sink } from './sink.ts';

const bodyBytes = 1_048_576;
/** What one read of a socket brings. */
const piece = 65_536;

export function addBodies(bench: Bench, sink: Sink): void {
  const cases: readonly [name: string, framing: Framing, bytes: Uint8Array][] = [
    ['sized', { kind: 'sized', length: bodyBytes }, new Uint8Array(bodyBytes)],
    ['until close', { kind: 'close' }, new Uint8Array(bodyBytes)],
    ['chunks of 64 KiB', { kind: 'chunked' }, chunked(65_536)],
    ['chunks of 100 B', { kind: 'chunked' }, chunked(100)],
  ];
  for (const [name, framing, bytes] of cases) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / piece) }, (_, place) =>
      bytes.subarray(place * piece, (place + 1) * piece),
    );
    bench.add(`bodies: read 1 MiB, ${name}`, () => {
      const reader = createBodyReader(framing, 'response', { decode: decodeLatin1 });
      for (const read of pieces) for (let at = 0; at < read.length;) at = reader.read(read, at, piece);
      if (reader.size !== bodyBytes) throw new Error(`read ${reader.size} of ${bodyBytes} bytes`);
      sink.take(reader.dataEnd);
    });
  }
}

function chunked(chunkBytes: number): Uint8Array {
  const parts: Buffer[] = [];
  for (let left = bodyBytes; left > 0; left -= chunkBytes) {
    const data = Buffer.alloc(Math.min(chunkBytes, left));
    parts.push(Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}
