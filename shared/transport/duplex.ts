/**
 * A mux stream as a node Duplex, for whoever needs one: a client library, a test, a tool. The hot path does not;
 * it reads the session's events itself. A reset by the peer destroys the Duplex with an error that carries the
 * reset code; destroying the Duplex resets the stream.
 */
import { Duplex } from 'node:stream';
import { TunnelError } from '../errors/tunnel-error.ts';
import { resetCode } from '../mux/codes.ts';
import type { ResetCode } from '../mux/codes.ts';
import type { StreamHandler } from '../mux/session.ts';
import type { MuxStream } from '../mux/stream.ts';
import { ownBytes } from './own-bytes.ts';

/** The other end reset the stream, or the link was lost under it; `answer` is the reset code. */
export class StreamReset extends TunnelError<'stream_reset', ResetCode> {}

type Callback = (error?: Error | null) => void;

export class StreamDuplex extends Duplex implements StreamHandler {
  readonly #stream: MuxStream;
  #pending: { bytes: Uint8Array; done: Callback } | undefined;
  /** Delivered by the session, waiting in the readable buffer: given back to the window as it is read. */
  #unconsumedBytes = 0;

  constructor(stream: MuxStream) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    stream.handler = this;
  }

  onData(_stream: MuxStream, bytes: Uint8Array): void {
    this.#unconsumedBytes += bytes.length;
    if (this.push(ownBytes(bytes))) this.#consume();
  }

  onEnd(): void {
    this.push(null);
  }

  onReset(_stream: MuxStream, code: ResetCode): void {
    const details = { code: 'stream_reset', scope: 'stream', initiator: 'remote', answer: code } as const;
    this.destroy(new StreamReset(`the stream was reset with code ${String(code)}`, details));
  }

  onWritable(): void {
    const pending = this.#pending;
    if (pending !== undefined) this.#offer(pending.bytes, pending.done);
  }

  override _read(): void {
    this.#consume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Callback): void {
    this.#offer(chunk, done);
  }

  override _final(done: Callback): void {
    this.#stream.end();
    done();
  }

  override _destroy(error: Error | null, done: Callback): void {
    // Over in order, and so destroyed by node itself: the last bytes and the FIN may still be waiting for their turn.
    if (!(this.writableFinished && this.readableEnded)) this.#stream.reset(resetCode.cancelled);
    this.#pending?.done(error);
    this.#pending = undefined;
    done(error);
  }

  #offer(bytes: Uint8Array, done: Callback): void {
    const taken = this.#stream.write(bytes);
    if (taken < bytes.length) {
      this.#pending = { bytes: bytes.subarray(taken), done };
      return;
    }
    this.#pending = undefined;
    done();
  }

  #consume(): void {
    const held = this.#unconsumedBytes;
    this.#unconsumedBytes = 0;
    if (held > 0) this.#stream.consume(held);
  }
}
