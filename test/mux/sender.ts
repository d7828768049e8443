/** A stream that sends as fast as it may, to a reader that reads at once unless told otherwise. */
import type { MuxStream } from '../../shared/mux/stream.ts';
import { Pair, type PairOptions } from './pair.ts';

export const kib = 1_024;
export const mib = 1_024 * kib;

/** A client stream that sends as fast as it may; the server reads at once unless told otherwise. */
export function sender(options: PairOptions): { pair: Pair; stream: MuxStream; receiver: () => MuxStream } {
  const pair = new Pair(options);
  pair.listens = false;
  pair.client.user.quiet = true;
  pair.server.user.quiet = true;
  const chunk = new Uint8Array(64 * kib);
  const fill = (stream: MuxStream) => {
    while (stream.write(chunk) === chunk.length);
  };
  pair.client.user.react = (event, stream) => event === 'writable' && fill(stream);
  const stream = pair.client.session.open(pair.client.user);
  if (stream === undefined) throw new Error('not opened');
  fill(stream);
  const receiver = () => pair.server.user.streams.get(stream.id) ?? stream;
  return { pair, stream, receiver };
}
