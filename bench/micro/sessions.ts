/** Two sessions that talk through one buffer, without sockets: a small exchange as the proxy and the agent have it, and bulk. */
import type { Bench } from 'tinybench';
import { headerBytes, maxDataBytes } from '../../shared/mux/frame.ts';
import { MuxSession } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { resetCode } from '../../shared/mux/codes.ts';
import type { StreamHandler } from '../../shared/mux/stream-handler.ts';
import { Sink } from './sink.ts';

const requestHead = new Uint8Array(300);
const response = new Uint8Array(200);
const bulkBytes = 1_048_576;
const piece = new Uint8Array(65_536);
/** Sixteen frames: about what a link writes at once. */
const lineBytes = 16 * (headerBytes + maxDataBytes);

/** Reads and gives back at once; what else it does is up to it. */
class User implements StreamHandler {
  /** Since somebody set it to 0. */
  receivedBytes = 0;
  readonly #sink: Sink;
  readonly #answer: Uint8Array | undefined;

  constructor(sink: Sink, answer?: Uint8Array) {
    this.#sink = sink;
    this.#answer = answer;
  }

  /** Throws unless that much has come since the last time. */
  expect(bytes: number): void {
    if (this.receivedBytes !== bytes) throw new Error(`${this.receivedBytes} of ${bytes} bytes have come`);
    this.receivedBytes = 0;
  }

  onData(stream: MuxStream, bytes: Uint8Array): void {
    this.receivedBytes += bytes.length;
    stream.consume(bytes.length);
    if (this.#answer !== undefined) stream.write(this.#answer);
  }

  onEnd(): void {
    this.#sink.take(1);
  }

  onReset(): void {
    this.#sink.take(1);
  }

  onWritable(): void {
    this.#sink.take(1);
  }
}

class Pair {
  readonly proxy: MuxSession;
  readonly #agent: MuxSession;
  readonly #line = new Uint8Array(lineBytes);

  constructor(agentUser: StreamHandler) {
    const handler = { onOutput: (): void => {}, onGoAway: (): void => {}, onIdsLow: (): void => {} };
    const onStream = (stream: MuxStream): void => {
      stream.handler = agentUser;
    };
    this.proxy = new MuxSession({ role: 'client', nowMs: 0, handler: { ...handler, onStream } });
    this.#agent = new MuxSession({ role: 'server', nowMs: 0, handler: { ...handler, onStream } });
  }

  /** Until neither has anything to say. */
  run(): void {
    while (this.#carry(this.proxy, this.#agent) || this.#carry(this.#agent, this.proxy));
  }

  #carry(from: MuxSession, to: MuxSession): boolean {
    const bytes = from.takeOutput(this.#line);
    if (bytes > 0) to.receive(this.#line.subarray(0, bytes), 0);
    return bytes > 0;
  }
}

export function addSessions(bench: Bench, sink: Sink): void {
  const client = new User(sink);
  // Ids run out in a long run: a pair is replaced long before.
  let pair = new Pair(new User(sink, response));
  let exchanges = 0;
  bench.add('sessions: a small exchange, from SYN to done', () => {
    if ((exchanges += 1) % 1_000_000 === 0) pair = new Pair(new User(sink, response));
    const stream = openedBy(pair, client);
    stream.write(requestHead);
    pair.run();
    client.expect(response.length);
    stream.reset(resetCode.done);
    pair.run();
  });
  const reader = new User(sink);
  const bulk = new Pair(reader);
  const upload = openedBy(bulk, client);
  bench.add('sessions: 1 MiB on one stream', () => {
    for (let sent = 0; sent < bulkBytes;) {
      sent += upload.write(piece.subarray(0, Math.min(piece.length, bulkBytes - sent)));
      bulk.run();
    }
    reader.expect(bulkBytes);
  });
  const many = new Pair(reader);
  const streams = Array.from({ length: 16 }, () => openedBy(many, client));
  bench.add('sessions: 1 MiB on 16 streams in turn', () => {
    for (const stream of streams) stream.write(piece);
    many.run();
    reader.expect(bulkBytes);
  });
}

function openedBy(pair: Pair, user: User): MuxStream {
  const stream = pair.proxy.open(user);
  if (stream === undefined) throw new Error('a session that opens no stream');
  return stream;
}
