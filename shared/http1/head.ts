/**
 * Finds the head of a message in the bytes of a connection and reads its lines: two steps, first delimit it byte by byte as it
 * comes, then read it once. It knows how a head is written, nothing of what it means; what follows the head is the caller's.
 */
import { CR, FOLDED_TCHAR, LF } from './grammar.ts';
import { readFields } from './fields.ts';
import type { Fields } from './fields.ts';
import { decodeLatin1 } from './latin1.ts';
import type { DecodeLatin1 } from './latin1.ts';
import { requestHeadLimits, responseHeadLimits } from './limits.ts';
import type { HeadLimits } from './limits.ts';
import { Refusal } from './refusal.ts';
import type { MessageKind } from './refusal.ts';
import { Section } from './section.ts';
import { readRequestLine, readStatusLine } from './start-line.ts';
import type { Version } from './start-line.ts';

export type { DecodeLatin1 } from './latin1.ts';

/** A request head as it came; it stays valid for ever, whatever the scanner does next. */
export interface RequestHead {
  readonly kind: 'request';
  readonly method: string;
  /** As sent. */
  readonly target: string;
  readonly version: Version;
  readonly fields: Fields;
}

/** A response head as it came. */
export interface ResponseHead {
  readonly kind: 'response';
  readonly version: Version;
  /** 100 to 599. */
  readonly status: number;
  /** As sent; may be empty. */
  readonly reason: string;
  readonly fields: Fields;
}

interface HeadOf {
  readonly request: RequestHead;
  readonly response: ResponseHead;
}

/** RFC 9112 §2.2: some old clients send a line end too many after a body. */
const MAX_EMPTY_LINES = 2;

/** Reads one head after another: push until a head comes, take `consumed` bytes off, reset for the next one. */
export class HeadScanner<K extends MessageKind = MessageKind> {
  readonly #kind: K;
  readonly #section: Section;
  readonly #decode: DecodeLatin1;
  #emptyLines = 0;
  #afterCr = false;
  #started = false;
  #complete = false;
  /** Not while a push is under way, and so not after one that threw: nothing behind a refusal is ever parsed. */
  #mayPush = true;
  #consumed = 0;

  constructor(kind: K, limits?: HeadLimits, decode: DecodeLatin1 = decodeLatin1) {
    this.#kind = kind;
    this.#section = new Section(kind, 'head', limits ?? defaultLimits(kind));
    this.#decode = decode;
  }

  /** How many bytes of the last push, counted from its `from`, belonged to the head: what follows is body. */
  get consumed(): number {
    return this.#consumed;
  }

  /** Whether a byte of the head itself has come, and not only the empty lines that may stand before it. */
  get started(): boolean {
    return this.#started;
  }

  /** Takes bytes[from, …). Gives the head once it is complete, undefined while it is not. Throws a Refusal. */
  push(bytes: Uint8Array, from = 0): HeadOf[K] | undefined {
    if (!this.#mayPush) throw new Error('HeadScanner: push after a head or a refusal without a reset');
    this.#mayPush = false;
    let at = from;
    if (!this.#started) {
      at = this.#skipEmptyLines(bytes, from);
      this.#consumed = at - from;
      if (at === bytes.length) return this.#wantMore();
      this.#started = true;
    }
    const end = this.#section.push(bytes, at);
    this.#consumed = (end ?? bytes.length) - from;
    if (end === undefined) return this.#wantMore();
    this.#complete = true;
    return this.#read();
  }

  /** The transport has ended: throws the refusal of a head cut short, or returns when nothing of one had come. */
  end(): void {
    if (this.#started && !this.#complete) throw new Refusal('eof_in_head', this.#kind);
  }

  /** Ready for the next head on this connection. */
  reset(): void {
    this.#section.reset();
    this.#emptyLines = 0;
    this.#afterCr = false;
    this.#started = false;
    this.#complete = false;
    this.#mayPush = true;
    this.#consumed = 0;
  }

  #wantMore(): undefined {
    this.#mayPush = true;
    return undefined;
  }

  /** The index of the head's first byte, or bytes.length (rule 1). */
  #skipEmptyLines(bytes: Uint8Array, from: number): number {
    for (let at = from; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (this.#afterCr) {
        if (byte !== LF) throw new Refusal('bare_cr', this.#kind);
        this.#afterCr = false;
        this.#emptyLines++;
      } else if (byte === CR && this.#emptyLines < MAX_EMPTY_LINES) {
        this.#afterCr = true;
      } else {
        const mustBeTchar = this.#kind === 'request';
        if (byte === CR || (mustBeTchar && FOLDED_TCHAR[byte] === 0))
          throw new Refusal('first_byte', this.#kind);
        return at;
      }
    }
    return bytes.length;
  }

  #read(): HeadOf[K] {
    const section = this.#section;
    const text = this.#decode(section.bytes, section.start, section.start + section.size);
    const head = READERS[this.#kind](section, text);
    section.release();
    return head;
  }
}

type HeadReaders = { readonly [K in MessageKind]: (section: Section, text: string) => HeadOf[K] };

const READERS: HeadReaders = { request: readRequestHead, response: readResponseHead };

function defaultLimits(kind: MessageKind): HeadLimits {
  return kind === 'request' ? requestHeadLimits : responseHeadLimits;
}

function readRequestHead(section: Section, text: string): RequestHead {
  const { methodEnd, targetEnd, version } = readRequestLine(section);
  return {
    kind: 'request',
    method: text.slice(0, methodEnd),
    target: text.slice(methodEnd + 1, targetEnd),
    version,
    fields: readFields(section, 1, text),
  };
}

function readResponseHead(section: Section, text: string): ResponseHead {
  const { version, status, reasonStart } = readStatusLine(section);
  return {
    kind: 'response',
    version,
    status,
    reason: text.slice(reasonStart, section.lineEnds[0]! - 2),
    fields: readFields(section, 1, text),
  };
}
