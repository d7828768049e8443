/**
 * The line before each chunk: `chunk-size [ chunk-ext ] CRLF` (RFC 9112 §7.1), one byte after the other, since it may come in
 * pieces. The size is kept, the extensions are checked and dropped (rules 27, 28). It knows nothing of the data that follows.
 */
import {
  BACKSLASH,
  CR,
  DQUOTE,
  EQUALS,
  FOLDED_TCHAR,
  HEX_VALUE,
  LF,
  SEMICOLON,
  isControl,
} from './grammar.ts';
import type { BodyLimits } from './limits.ts';
import { Refusal } from './refusal.ts';
import type { MessageKind } from './refusal.ts';

/** 13 significant digits stay below 2^53; 16 in all leave room for zeros in front and bound the line. */
const MAX_SIGNIFICANT_DIGITS = 13;
const MAX_DIGITS = 16;

/** What the next byte may be. Blanks stand nowhere outside a quoted string, though RFC 9112 §7.1.1 would let a recipient pass them. */
const At = {
  size: 0,
  nameStart: 1,
  name: 2,
  valueStart: 3,
  token: 4,
  quoted: 5,
  quotedPair: 6,
  afterQuoted: 7,
  lineFeed: 8,
  end: 9,
} as const;

type Position = (typeof At)[keyof typeof At];

export class ChunkLine {
  /** The chunk's size in bytes, once `complete`. */
  size = 0;
  readonly #kind: MessageKind;
  readonly #limits: BodyLimits;
  #position: Position = At.size;
  #digits = 0;
  #significantDigits = 0;
  #lineExtensionBytes = 0;
  #messageExtensionBytes = 0;

  constructor(kind: MessageKind, limits: BodyLimits) {
    this.#kind = kind;
    this.#limits = limits;
  }

  get complete(): boolean {
    return this.#position === At.end;
  }

  /** Reads on in `bytes` from `from`; gives the index behind what it took: the whole line, or all there is. Throws a Refusal. */
  push(bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length && this.#position !== At.end) this.#take(bytes[at++]!);
    return at;
  }

  /** Ready for the next line of the same message; the sum of its extensions goes on. */
  next(): void {
    this.size = 0;
    this.#position = At.size;
    this.#digits = 0;
    this.#significantDigits = 0;
    this.#lineExtensionBytes = 0;
  }

  #take(byte: number): void {
    if (this.#position === At.size) {
      this.#takeSize(byte);
    } else if (this.#position === At.lineFeed) {
      if (byte !== LF) this.#refuse();
      this.#position = At.end;
    } else {
      this.#position = this.#afterExtensionByte(byte);
      if (this.#position !== At.lineFeed) this.#countExtensionByte();
    }
  }

  #takeSize(byte: number): void {
    const digit = HEX_VALUE[byte]!;
    if (digit <= 15) {
      this.#digits++;
      if (digit !== 0 || this.#significantDigits > 0) this.#significantDigits++;
      if (this.#digits > MAX_DIGITS || this.#significantDigits > MAX_SIGNIFICANT_DIGITS) this.#refuse();
      this.size = this.size * 16 + digit;
    } else if (this.#digits > 0 && byte === CR) {
      this.#position = At.lineFeed;
    } else if (this.#digits > 0 && byte === SEMICOLON) {
      this.#position = At.nameStart;
      this.#countExtensionByte();
    } else {
      this.#refuse();
    }
  }

  /** chunk-ext = *( ";" chunk-ext-name [ "=" ( token / quoted-string ) ] ) */
  #afterExtensionByte(byte: number): Position {
    switch (this.#position) {
      case At.nameStart:
        return FOLDED_TCHAR[byte] === 0 ? this.#refuse() : At.name;
      case At.name:
        if (FOLDED_TCHAR[byte] !== 0) return At.name;
        return byte === EQUALS ? At.valueStart : this.#afterValue(byte);
      case At.valueStart:
        if (byte === DQUOTE) return At.quoted;
        return FOLDED_TCHAR[byte] === 0 ? this.#refuse() : At.token;
      case At.token:
        return FOLDED_TCHAR[byte] === 0 ? this.#afterValue(byte) : At.token;
      case At.quoted:
        if (byte === DQUOTE) return At.afterQuoted;
        if (byte === BACKSLASH) return At.quotedPair;
        return isControl(byte) ? this.#refuse() : At.quoted;
      case At.quotedPair:
        return isControl(byte) ? this.#refuse() : At.quoted;
      case At.afterQuoted:
        return this.#afterValue(byte);
      case At.size:
      case At.lineFeed:
      case At.end:
        throw new Error('ChunkLine: no extension stands here');
      default:
        return this.#position satisfies never;
    }
  }

  #afterValue(byte: number): Position {
    if (byte === SEMICOLON) return At.nameStart;
    return byte === CR ? At.lineFeed : this.#refuse();
  }

  #countExtensionByte(): void {
    this.#lineExtensionBytes++;
    this.#messageExtensionBytes++;
    if (
      this.#lineExtensionBytes > this.#limits.chunkExtensionLineBytes ||
      this.#messageExtensionBytes > this.#limits.chunkExtensionBytes
    ) {
      throw new Refusal('chunk_extension_too_large', this.#kind);
    }
  }

  #refuse(): never {
    throw new Refusal('chunk_line', this.#kind);
  }
}
