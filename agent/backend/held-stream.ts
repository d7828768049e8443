/**
 * A stream whose request waits for one look at the socket it is to go to: a connection that was idle may have been ended
 * by the backend, and the word of it lies in the kernel, unread. It holds what comes meanwhile, which the stream's window
 * bounds. It knows no sockets.
 */
import type { StreamHandler } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';

export class HeldStream implements StreamHandler {
  readonly #stream: MuxStream;
  readonly #pieces: Uint8Array[] = [];
  #hasEnded = false;
  #isReset = false;

  constructor(stream: MuxStream) {
    this.#stream = stream;
    stream.handler = this;
  }

  /** Its client has left: there is nobody to serve. */
  get isReset(): boolean {
    return this.#isReset;
  }

  onData(_stream: MuxStream, bytes: Uint8Array): void {
    this.#pieces.push(bytes);
  }

  onEnd(): void {
    this.#hasEnded = true;
  }

  onReset(): void {
    this.#isReset = true;
  }

  onWritable(): void {
    // Nothing has been written to it yet.
  }

  /** Gives what was held to the handler that the stream has now. */
  release(): void {
    const stream = this.#stream;
    for (const bytes of this.#pieces) if (!stream.isOver) stream.handler.onData(stream, bytes);
    if (this.#hasEnded && !stream.isReset) stream.handler.onEnd(stream);
  }
}
