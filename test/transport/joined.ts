/** A stream of a pair of links and a socket of a pair, joined by a pipe. */
import type { Socket } from 'node:net';
import type { Test } from 'tap';
import type { ResetCode } from '../../shared/mux/codes.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { StreamPipe } from '../../shared/transport/stream-pipe.ts';
import { WriteBatch } from '../../shared/transport/write-batch.ts';
import { linkPair, type LinkSide } from './links.ts';
import { tcpPair } from './socket-pair.ts';

export interface Joined {
  /** The peer's end of the stream; what it hears is in `peer.user`. */
  readonly stream: MuxStream;
  readonly peer: LinkSide;
  readonly pipe: StreamPipe;
  readonly piped: MuxStream;
  readonly near: Socket;
  readonly far: Socket;
  /** What the pipe's owner was told: `reset CODE`, `pipe end`. */
  readonly told: string[];
}

export async function joined(t: Test): Promise<Joined> {
  const { agent, proxy } = await linkPair(t);
  const { near, far } = await tcpPair(t);
  const told: string[] = [];
  const pipe = new StreamPipe(near, new WriteBatch(), {
    onStreamReset: (code: ResetCode) => told.push(`reset ${code}`),
    onPipeEnd: () => told.push('pipe end'),
  });
  near.on('data', (chunk: Buffer) => pipe.fromSocket(chunk));
  near.on('drain', () => pipe.socketDrained());
  near.on('end', () => pipe.socketEnded());
  agent.user.react = (event, stream) => event === 'stream' && pipe.attach(stream);
  const stream = proxy.open();
  proxy.user.quiet = false;
  const piped = await agent.stream();
  return { stream, peer: proxy, pipe, piped, near, far, told };
}
