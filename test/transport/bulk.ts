/** More bytes than fit: into a stream, into a socket that its peer does not read. */
import { setImmediate as turn } from 'node:timers/promises';
import type { StreamHandler } from '../../shared/mux/stream-handler.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { Link } from '../../shared/transport/link.ts';

const piece = Buffer.alloc(16_384);

/** Writes until `bytes` are taken or the stream takes no more; returns what it took. */
export function fill(stream: MuxStream, bytes: number): number {
  let left = bytes;
  while (left > 0) {
    const taken = stream.write(left < piece.length ? piece.subarray(0, left) : piece);
    left -= taken;
    if (taken === 0) break;
  }
  return bytes - left;
}

/** A stream's user that writes for ever and hears nothing. */
export const endlessWriter: StreamHandler = {
  onData: (stream, bytes) => stream.consume(bytes.length),
  onEnd() {},
  onReset() {},
  onWritable: (stream) => void fill(stream, Infinity),
};

/** Opens streams that write for ever until the peer's kernel, ours and the socket take no more: the peer must not read. */
export async function fillSocket(link: Link): Promise<void> {
  for (let idleTurns = 0, before = -1; idleTurns < 20;) {
    const stream = link.open(endlessWriter);
    if (stream !== undefined) fill(stream, Infinity);
    // oxlint-disable-next-line no-await-in-loop -- what there is room for leaves in each turn
    await turn();
    idleTurns = link.unsentBytes > 0 && link.unsentBytes === before ? idleTurns + 1 : 0;
    before = link.unsentBytes;
  }
}
