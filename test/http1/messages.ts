/**
 * Reads a connection with nothing but this room and gives what was on it as plain values. On the way it holds the room to its
 * contracts: every push and read gets on, none takes more than it was given, and nothing is thrown but a Refusal.
 */
import { createBodyReader } from '../../shared/http1/body.ts';
import type { BodyReader } from '../../shared/http1/body.ts';
import { HeadScanner } from '../../shared/http1/head.ts';
import type { BodyLimits, HeadLimits } from '../../shared/http1/limits.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import type { MessageKind, RefusalCode } from '../../shared/http1/refusal.ts';
import { readRequest, readResponse } from '../../shared/http1/rules.ts';
import type { RequestMeaning, ResponseMeaning } from '../../shared/http1/rules.ts';

/** Text is latin1. A field is `name: value`. */
export interface Message {
  /** `GET /a HTTP/1.1`, `HTTP/1.1 200 OK`. */
  readonly start: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

export interface Reading {
  /** The messages that are complete. */
  readonly messages: readonly Message[];
  readonly refusal: RefusalCode | undefined;
  /** What the last message was when the bytes ended, where it was not complete. */
  readonly unfinished: Message | undefined;
  /** How many bytes belong to messages; what is behind an upgrade, a close or a response is not read. */
  readonly readBytes: number;
}

export interface ReadOptions {
  readonly kind: MessageKind;
  /** Of the request that a response answers. */
  readonly method?: string;
  /** By default the name that `written` puts into Via. */
  readonly viaName?: string;
  readonly headLimits?: HeadLimits;
  readonly bodyLimits?: BodyLimits;
  /** How much of a body is taken at once. */
  readonly readBytes?: number;
}

interface Draft {
  readonly start: string;
  readonly fields: readonly string[];
  readonly reader: BodyReader;
  /** Nothing behind it is read. */
  readonly isLast: boolean;
  body: string;
}

class MessageReader {
  readonly messages: Message[] = [];
  refusal: RefusalCode | undefined = undefined;
  readBytes = 0;
  #isOver = false;
  #draft: Draft | undefined = undefined;
  readonly #options: ReadOptions;
  readonly #requests: HeadScanner<'request'>;
  readonly #responses: HeadScanner<'response'>;

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#requests = new HeadScanner('request', options.headLimits);
    this.#responses = new HeadScanner('response', options.headLimits);
  }

  get unfinished(): Message | undefined {
    return this.#draft && messageOf(this.#draft);
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    try {
      while (at < bytes.length && !this.#isOver) {
        const next =
          this.#draft === undefined ? this.#readHead(bytes, at) : this.#readBody(this.#draft, bytes, at);
        if (next > bytes.length) throw new Error(`took ${next} of ${bytes.length} bytes`);
        if (next < at) throw new Error(`went back from ${at} to ${next}`);
        this.readBytes += next - at;
        at = next;
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refusal = error.code;
      this.#isOver = true;
    }
  }

  /** The connection has ended: only a close-delimited body is complete by that. */
  end(): void {
    const draft = this.#draft;
    if (this.#isOver || draft === undefined || this.#options.kind === 'request') return;
    try {
      draft.reader.end();
      this.#finish(draft);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }

  #readHead(bytes: Uint8Array, at: number): number {
    const { kind, method = 'GET' } = this.#options;
    const scanner = kind === 'request' ? this.#requests : this.#responses;
    const head = scanner.push(bytes, at);
    const next = at + scanner.consumed;
    if (next === at) throw new Error('a push took nothing');
    if (head === undefined) {
      if (next !== bytes.length) throw new Error('wants more and has not taken all');
      return next;
    }
    scanner.reset();
    const meaning =
      head.kind === 'request'
        ? readRequest(head, { viaName: this.#options.viaName ?? 'edge' })
        : readResponse(head, { method, version: '1.1', upgrade: 'websocket' });
    const { connectionNames } = meaning;
    const limits = this.#options.bodyLimits;
    const draft: Draft = {
      start:
        head.kind === 'request'
          ? `${head.method} ${head.target} HTTP/${head.version}`
          : `HTTP/${head.version} ${head.status} ${head.reason}`,
      fields: [...head.fields].map(({ name, value }) => `${name}: ${value}`),
      reader: createBodyReader(meaning.framing, kind, { connectionNames, ...(limits && { limits }) }),
      isLast: isLast(meaning),
      body: '',
    };
    this.#draft = draft;
    if (draft.reader.done) this.#finish(draft);
    return next;
  }

  #readBody(draft: Draft, bytes: Uint8Array, at: number): number {
    const { reader } = draft;
    const limit = this.#options.readBytes ?? Infinity;
    const next = reader.read(bytes, at, limit);
    const { dataStart, dataEnd } = reader;
    if (next === at && !reader.done) throw new Error('a read took nothing');
    if (dataStart < at || dataEnd > next || dataEnd < dataStart)
      throw new Error(`data from ${dataStart} to ${dataEnd}`);
    if (dataEnd - dataStart > limit) throw new Error(`${dataEnd - dataStart} bytes are more than ${limit}`);
    draft.body += Buffer.from(bytes.subarray(dataStart, dataEnd)).toString('latin1');
    if (reader.size !== draft.body.length)
      throw new Error(`size ${reader.size} after ${draft.body.length} bytes`);
    if (reader.done) this.#finish(draft);
    return next;
  }

  #finish(draft: Draft): void {
    this.messages.push(messageOf(draft));
    this.#draft = undefined;
    this.#isOver = draft.isLast;
  }
}

function messageOf({ start, fields, reader, body }: Draft): Message {
  return { start, fields, body, trailers: reader.trailers.map(({ name, value }) => `${name}: ${value}`) };
}

function isLast(meaning: RequestMeaning | ResponseMeaning): boolean {
  if ('interim' in meaning) return !meaning.interim;
  return meaning.upgrade !== undefined || !meaning.keepAlive;
}

/** What is on a connection that gives these pieces and ends. */
export function readMessages(pieces: readonly Uint8Array[], options: ReadOptions): Reading {
  const reader = new MessageReader(options);
  for (const piece of pieces) reader.push(piece);
  reader.end();
  const { messages, refusal, unfinished, readBytes } = reader;
  return { messages, refusal, unfinished, readBytes };
}
