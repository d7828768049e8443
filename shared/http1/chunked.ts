/**
 * Reads a chunked body (RFC 9112 §7.1): finds the runs of data between the lines, and the trailers behind the last one. Data is
 * never copied nor looked at. What is written on is chunked anew by whoever writes (rule 31).
 */
import type { BodyReader, BodyReaderOptions } from './body-reader.ts';
import { ChunkLine } from './chunk-line.ts';
import type { ConnectionNames } from './connection.ts';
import type { Field } from './fields.ts';
import { CR, LF } from './grammar.ts';
import { decodeLatin1 } from './latin1.ts';
import type { DecodeLatin1 } from './latin1.ts';
import { bodyLimits } from './limits.ts';
import type { BodyLimits } from './limits.ts';
import { Refusal } from './refusal.ts';
import type { MessageKind } from './refusal.ts';
import { Section } from './section.ts';
import { readTrailers } from './trailers.ts';

type Part = 'line' | 'data' | 'data CR' | 'data LF' | 'trailers' | 'done';

const NO_TRAILERS: readonly Field[] = [];
const NO_NAMES: ConnectionNames = new Set();

export class ChunkedBody implements BodyReader {
  dataStart = 0;
  dataEnd = 0;
  readonly #kind: MessageKind;
  readonly #limits: BodyLimits;
  readonly #decode: DecodeLatin1;
  readonly #connectionNames: ConnectionNames;
  readonly #line: ChunkLine;
  #part: Part = 'line';
  /** Bytes of the current chunk still to come. */
  #left = 0;
  #size = 0;
  /** Made when the last chunk has come: most bodies never get there while many are open. */
  #section: Section | undefined;
  #trailers = NO_TRAILERS;
  /** Not while a read is under way, and so not after one that threw: nothing behind a refusal is ever parsed. */
  #mayRead = true;

  constructor(kind: MessageKind, options: BodyReaderOptions) {
    this.#kind = kind;
    this.#limits = options.limits ?? bodyLimits;
    this.#decode = options.decode ?? decodeLatin1;
    this.#connectionNames = options.connectionNames ?? NO_NAMES;
    this.#line = new ChunkLine(kind, this.#limits);
  }

  get done(): boolean {
    return this.#part === 'done';
  }

  get size(): number {
    return this.#size;
  }

  get trailers(): readonly Field[] {
    return this.#trailers;
  }

  read(bytes: Uint8Array, from: number, limit: number): number {
    if (!this.#mayRead) throw new Error('ChunkedBody: read after a refusal');
    this.#mayRead = false;
    let at = from;
    this.dataStart = from;
    this.dataEnd = from;
    while (at < bytes.length && this.#part !== 'done') {
      if (this.#part === 'data') {
        at = this.#readData(bytes, at, limit);
        break;
      }
      at = this.#readFrame(bytes, at);
    }
    this.#mayRead = true;
    return at;
  }

  end(): void {
    if (!this.done) throw new Refusal('truncated_chunked', this.#kind);
  }

  #readData(bytes: Uint8Array, from: number, limit: number): number {
    const length = Math.min(this.#left, bytes.length - from, limit);
    this.dataStart = from;
    this.dataEnd = from + length;
    this.#left -= length;
    this.#size += length;
    if (this.#left === 0) this.#part = 'data CR';
    return this.dataEnd;
  }

  /** Everything but data; takes at least one byte. */
  #readFrame(bytes: Uint8Array, at: number): number {
    switch (this.#part) {
      case 'line': {
        const behind = this.#line.push(bytes, at);
        if (this.#line.complete) this.#beginChunk(this.#line.size);
        return behind;
      }
      case 'data CR':
        if (bytes[at] !== CR) throw new Refusal('chunk_end', this.#kind);
        this.#part = 'data LF';
        return at + 1;
      case 'data LF':
        if (bytes[at] !== LF) throw new Refusal('chunk_end', this.#kind);
        this.#line.next();
        this.#part = 'line';
        return at + 1;
      case 'trailers':
        return this.#readTrailers(bytes, at);
      case 'data':
      case 'done':
        throw new Error('ChunkedBody: no frame stands here');
      default:
        return this.#part satisfies never;
    }
  }

  #beginChunk(size: number): void {
    if (size === 0) {
      this.#part = 'trailers';
      return;
    }
    if (this.#size + size > this.#limits.bodyBytes) throw new Refusal('body_too_large', this.#kind);
    this.#left = size;
    this.#part = 'data';
  }

  #readTrailers(bytes: Uint8Array, at: number): number {
    const { trailerBytes, trailerFields } = this.#limits;
    this.#section ??= new Section(this.#kind, 'trailers', {
      headBytes: trailerBytes,
      lineBytes: trailerBytes,
      fields: trailerFields,
    });
    const behind = this.#section.push(bytes, at);
    if (behind === undefined) return bytes.length;
    if (this.#section.lineCount > 0)
      this.#trailers = readTrailers(this.#section, this.#decode, this.#connectionNames);
    this.#section = undefined;
    this.#part = 'done';
    return behind;
  }
}
