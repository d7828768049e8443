/**
 * Delimits a section: lines that end in CRLF, up to an empty line. A head is one, a trailer section another. Each byte is looked at
 * once, as it comes, and what can be refused is refused at that byte, so that the verdict is the same however the transport cuts
 * (rules 2-4). Bytes are copied only when a section arrives in pieces. It does not know what stands in a line.
 */
import { CR, DELETE, HTAB, LF, SP } from './grammar.ts';
import type { HeadLimits } from './limits.ts';
import { Refusal } from './refusal.ts';
import type { MessageKind, RefusalCode } from './refusal.ts';

/** What the section begins with, and so how it is refused when it is too large: a start line, or fields at once. */
export type SectionKind = 'head' | 'trailers';

const NO_BYTES = new Uint8Array(0);
/** The first copy holds most heads that come in two pieces. */
const FIRST_CAPACITY_BYTES = 1024;
/** A larger copy is not kept from one head to the next: an idle connection should hold little. */
const KEPT_CAPACITY_BYTES = 4096;

export class Section {
  readonly kind: MessageKind;
  /** Once complete: the section is bytes[start, start + size), its empty line with it. Valid until the next push, release or reset. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  size = 0;
  /** Where each line ends, behind its CRLF, from the section's start; `lineCount` of them are valid; the empty line is not one. */
  readonly lineEnds: number[] = [];
  lineCount = 0;
  /** Whether a control byte other than HTAB stands somewhere in a line. */
  hasControls = false;

  readonly #limits: HeadLimits;
  readonly #maxLines: number;
  readonly #startLines: number;
  #held: Uint8Array = NO_BYTES;
  #lineStart = 0;
  /** The line must have ended before this offset. */
  #lineLimit: number;
  #afterCr = false;

  constructor(kind: MessageKind, sectionKind: SectionKind, limits: HeadLimits) {
    this.kind = kind;
    this.#limits = limits;
    this.#startLines = sectionKind === 'head' ? 1 : 0;
    this.#maxLines = limits.fields + this.#startLines;
    this.#lineLimit = Math.min(limits.lineBytes + 2, limits.headBytes);
  }

  /** Reads on from `from`. Gives the index behind the section, or undefined when all is taken and more is needed. Throws a Refusal. */
  push(bytes: Uint8Array, from: number): number | undefined {
    const before = this.size;
    const end = this.#scan(bytes, from);
    const to = end ?? bytes.length;
    this.size = before + to - from;
    if (end !== undefined && before === 0) {
      this.bytes = bytes;
      this.start = from;
      return end;
    }
    this.#hold(bytes, from, to, before);
    this.bytes = this.#held;
    this.start = 0;
    return end;
  }

  /** Read: the caller's bytes are not held any longer. */
  release(): void {
    this.bytes = NO_BYTES;
  }

  reset(): void {
    this.release();
    this.size = 0;
    this.lineCount = 0;
    this.hasControls = false;
    if (this.#held.length > KEPT_CAPACITY_BYTES) this.#held = NO_BYTES;
    this.#afterCr = false;
    this.#beginLine(0);
  }

  #scan(bytes: Uint8Array, from: number): number | undefined {
    const shift = this.size - from;
    let stop = Math.min(bytes.length, this.#lineLimit - shift);
    let at = from;
    if (this.#afterCr && at < stop) {
      this.#afterCr = false;
      if (bytes[at] !== LF) throw new Refusal('bare_cr', this.kind);
      at++;
      if (this.#endLine(at + shift)) return at;
      stop = Math.min(bytes.length, this.#lineLimit - shift);
    }
    for (at = nextControl(bytes, at, stop); at < stop; at = nextControl(bytes, at, stop)) {
      const byte = bytes[at++]!;
      if (byte === CR) {
        if (at === stop) {
          this.#afterCr = true;
          break;
        }
        if (bytes[at] !== LF) throw new Refusal('bare_cr', this.kind);
        at++;
        if (this.#endLine(at + shift)) return at;
        stop = Math.min(bytes.length, this.#lineLimit - shift);
      } else if (byte === LF) {
        throw new Refusal('bare_lf', this.kind);
      } else if (byte !== HTAB) {
        this.hasControls = true;
      }
    }
    if (at + shift >= this.#lineLimit) throw new Refusal(this.#tooLarge(), this.kind);
    return undefined;
  }

  /** A line ends at this offset. True when it was the empty one. */
  #endLine(end: number): boolean {
    if (end - this.#lineStart === 2) return true;
    if (this.lineCount === this.#maxLines) throw new Refusal(this.#tooMany(), this.kind);
    this.lineEnds[this.lineCount++] = end;
    this.#beginLine(end);
    return false;
  }

  #beginLine(offset: number): void {
    this.#lineStart = offset;
    this.#lineLimit = Math.min(offset + this.#limits.lineBytes + 2, this.#limits.headBytes);
  }

  #tooLarge(): RefusalCode {
    if (this.#startLines === 0) return 'trailer_too_large';
    if (this.lineCount > 0) return 'head_too_large';
    return this.kind === 'request' ? 'request_line_too_long' : 'status_line_too_long';
  }

  #tooMany(): RefusalCode {
    return this.#startLines === 0 ? 'trailer_too_large' : 'too_many_fields';
  }

  /** Copies what came; doubling keeps the copying linear, and the limits keep the sum below headBytes. */
  #hold(bytes: Uint8Array, from: number, to: number, offset: number): void {
    const needed = offset + to - from;
    if (needed > this.#held.length) {
      const grown = new Uint8Array(Math.max(FIRST_CAPACITY_BYTES, needed, this.#held.length * 2));
      grown.set(this.#held.subarray(0, offset));
      this.#held = grown;
    }
    this.#held.set(bytes.subarray(from, to), offset);
  }
}

/** The index of the next control byte before `stop`, or `stop`: the one loop that every byte of a head goes through. */
function nextControl(bytes: Uint8Array, from: number, stop: number): number {
  let at = from;
  for (; at < stop; at++) {
    const byte = bytes[at]!;
    if (byte < SP || byte === DELETE) break;
  }
  return at;
}
