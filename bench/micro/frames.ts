/** The frame codec: headers written and read, without a session. */
import type { Bench } from 'tinybench';
import { FrameDecoder } from '../../shared/mux/decoder.ts';
import { frameType, headerBytes, maxDataBytes, writeHeader } from '../../shared/mux/frame.ts';
import { Sink } from './sink.ts';

const frames = 64;

export function addFrames(bench: Bench, sink: Sink): void {
  const small = headersOf(frames, 100);
  const large = headersOf(frames, maxDataBytes);
  const into = new Uint8Array(headerBytes);
  const decoder = new FrameDecoder();
  const decode = (bytes: Uint8Array): void => {
    let at = 0;
    while (at < bytes.length) at = (decoder.readHeader(bytes, at) ?? bytes.length) + decoder.length;
    sink.take(decoder.id);
  };
  bench.add(`frames: write ${frames} headers`, () => {
    for (let id = 1; id <= frames; id += 1)
      sink.take(writeHeader(into, 0, frameType.data, 0, id, maxDataBytes));
  });
  bench.add(`frames: read ${frames} headers, 100 B behind each`, () => decode(small));
  bench.add(`frames: read ${frames} headers, 16 KiB behind each`, () => decode(large));
  bench.add('frames: read a header that comes byte by byte', () => {
    for (let at = 0; at < headerBytes; at += 1) decoder.readHeader(into.subarray(at, at + 1), 0);
    sink.take(decoder.length);
  });
}

function headersOf(count: number, payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(count * (headerBytes + payloadBytes));
  let at = 0;
  for (let i = 0; i < count; i += 1)
    at = writeHeader(bytes, at, frameType.data, 0, 1 + 2 * i, payloadBytes) + payloadBytes;
  return bytes;
}
