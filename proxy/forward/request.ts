/**
 * The request on its way to the backend: its head as the rules rewrite it, its body framed anew, onto one stream.
 * It takes from the client what the stream has credit for, and at most one small piece more, so that being short
 * of credit is noticed by the stream itself.
 */
import { hasBody } from '../../shared/http1/framing.ts';
import type { Framing } from '../../shared/http1/framing.ts';
import type { Field } from '../../shared/http1/fields.ts';
import { chunkHead, writeRequestHead, writeTrailers } from '../../shared/http1/write.ts';
import type { Forwarding } from '../../shared/http1/write.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { Exchange } from '../exchange.ts';

/** What a piece of body may exceed the stream's credit by; its rest waits here. */
const overshootBytes = 4 * 1024;
/**
 * What is read of a client's socket before reading stops: the piece in hand, and what node reads until it has its own mark full
 * (64 KiB each, and up to one more read of it).
 */
const mostReadBytes = 192 * 1024;
const lineEnd = Buffer.from('\r\n');

/** What may be held of a body while the stream takes no more of it. */
export function heldOfBody(framing: Framing): number {
  if (!hasBody(framing)) return 0;
  return framing.kind === 'sized' ? Math.min(framing.length, mostReadBytes) : mostReadBytes;
}

export class RequestWriter {
  readonly #stream: MuxStream;
  readonly #isChunked: boolean;
  #bodyIsWritten: boolean;
  /** What the stream had no credit for: at most the overshoot, a chunk's frame and the trailers. */
  readonly #rest: Uint8Array[] = [];

  /** Writes the head. */
  constructor(exchange: Exchange, forwarding: Forwarding, stream: MuxStream) {
    const { request, meaning, admission } = exchange;
    this.#stream = stream;
    this.#isChunked = meaning.framing.kind === 'chunked';
    this.#bodyIsWritten = !hasBody(meaning.framing);
    this.#offer(Buffer.from(writeRequestHead(request, meaning, forwarding, admission), 'latin1'));
  }

  /** The whole request has left for the agent: nothing of it waits anywhere here. */
  get isSent(): boolean {
    return this.#bodyIsWritten && this.#rest.length === 0 && this.#stream.queuedBytes === 0;
  }

  bodyRoom(): number {
    return this.#rest.length > 0 ? 0 : Math.max(overshootBytes, this.#stream.writableBytes);
  }

  writeBody(bytes: Uint8Array): void {
    if (this.#isChunked) {
      this.#offer(Buffer.from(chunkHead(bytes.length), 'latin1'));
      this.#offer(bytes);
      this.#offer(lineEnd);
    } else {
      this.#offer(bytes);
    }
  }

  endBody(trailers: readonly Field[]): void {
    this.#bodyIsWritten = true;
    if (this.#isChunked) this.#offer(Buffer.from(writeTrailers(trailers), 'latin1'));
  }

  /** The stream has room again. True when all that waited is written. */
  resume(): boolean {
    for (let first = this.#rest[0]; first !== undefined; first = this.#rest[0]) {
      const taken = this.#stream.write(first);
      if (taken < first.length) {
        this.#rest[0] = first.subarray(taken);
        return false;
      }
      this.#rest.shift();
    }
    return true;
  }

  #offer(bytes: Uint8Array): void {
    if (this.#rest.length > 0) {
      this.#rest.push(bytes);
      return;
    }
    const taken = this.#stream.write(bytes);
    if (taken < bytes.length) this.#rest.push(bytes.subarray(taken));
  }
}
