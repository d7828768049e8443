/**
 * Reads a body out of the bytes of a connection, by its framing (RFC 9112 §6, §7): says which bytes are body and where it ends.
 * Nothing is copied; the caller takes at most as much as it can pass on. It knows neither head nor socket.
 */
import type { BodyReader, BodyReaderOptions } from './body-reader.ts';
import { ChunkedBody } from './chunked.ts';
import type { Field } from './fields.ts';
import type { Framing } from './framing.ts';
import { Refusal } from './refusal.ts';
import type { MessageKind } from './refusal.ts';

export type { BodyReader, BodyReaderOptions } from './body-reader.ts';

const NO_TRAILERS: readonly Field[] = [];

export function createBodyReader(
  framing: Framing,
  kind: MessageKind,
  options: BodyReaderOptions = {},
): BodyReader {
  switch (framing.kind) {
    case 'none':
      return new SizedBody(0, kind);
    case 'sized':
      return new SizedBody(framing.length, kind);
    case 'chunked':
      return new ChunkedBody(kind, options);
    case 'close':
      return new CloseDelimitedBody();
    default:
      return framing satisfies never;
  }
}

/** Exactly so many bytes (rule 26). */
class SizedBody implements BodyReader {
  dataStart = 0;
  dataEnd = 0;
  readonly trailers = NO_TRAILERS;
  readonly #kind: MessageKind;
  readonly #length: number;
  #size = 0;

  constructor(length: number, kind: MessageKind) {
    this.#length = length;
    this.#kind = kind;
  }

  get done(): boolean {
    return this.#size === this.#length;
  }

  get size(): number {
    return this.#size;
  }

  read(bytes: Uint8Array, from: number, limit: number): number {
    const length = Math.min(this.#length - this.#size, bytes.length - from, limit);
    this.dataStart = from;
    this.dataEnd = from + length;
    this.#size += length;
    return this.dataEnd;
  }

  end(): void {
    if (!this.done) throw new Refusal('truncated_sized', this.#kind);
  }
}

/** All that comes until a clean end (rule 41). */
class CloseDelimitedBody implements BodyReader {
  dataStart = 0;
  dataEnd = 0;
  done = false;
  size = 0;
  readonly trailers = NO_TRAILERS;

  read(bytes: Uint8Array, from: number, limit: number): number {
    this.dataStart = from;
    this.dataEnd = this.done ? from : Math.min(bytes.length, from + limit);
    this.size += this.dataEnd - this.dataStart;
    return this.dataEnd;
  }

  end(): void {
    this.done = true;
  }
}
