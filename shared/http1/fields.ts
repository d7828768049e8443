/**
 * The field lines of one head or trailer section. They are kept flat: the text of the whole section once, and the borders of each
 * name and value as numbers in one array; a name or a value becomes a string only when somebody asks. So a line that passes
 * untouched costs nothing but its place in a slice. `name(i)`, `lower(i)`, `value(i)`, `get('user-agent')` are the accessors, and
 * iterating gives plain `Field` objects. It knows the grammar of a line (RFC 9112 §5), not what any field means.
 */
import { CR, COLON, FOLDED_TCHAR, isBlank, isControl } from './grammar.ts';
import { ALIAS, kindOfName } from './hop.ts';
import type { FieldKind } from './hop.ts';
import { Refusal } from './refusal.ts';
import type { RefusalCode } from './refusal.ts';
import type { Section } from './section.ts';

/** One field: its name as sent and in lower case, its value without OWS; latin1, one char a byte. */
export interface Field {
  readonly name: string;
  readonly lower: string;
  readonly value: string;
}

/** Numbers per field: start of its line, end of its name, start and end of its value, its kind. */
const STRIDE = 5;

export class Fields {
  readonly length: number;
  readonly #text: string;
  readonly #table: readonly number[];
  readonly #end: number;
  /** One bit a kind that is here, in its own spelling or as an alias. */
  readonly #kinds: number;

  /** `table` holds STRIDE numbers a field, offsets into `text`; `end` is where the last line ends; `kinds` are those in it. */
  constructor(text: string, table: readonly number[], end: number, kinds: number) {
    this.length = table.length / STRIDE;
    this.#text = text;
    this.#table = table;
    this.#end = end;
    this.#kinds = kinds;
  }

  /** Whether a field of this kind is here, in its own spelling or as an alias. */
  holds(kind: FieldKind): boolean {
    return (this.#kinds & (1 << kind)) !== 0;
  }

  /** The index of the first field of exactly this kind from `from` on, or -1. */
  indexOf(kind: FieldKind, from = 0): number {
    for (let index = from; index < this.length; index++) if (this.kind(index) === kind) return index;
    return -1;
  }

  /** The values of all fields of exactly this kind, in order. */
  valuesOf(kind: FieldKind): string[] {
    const first = this.indexOf(kind);
    if (first === -1) return [];
    const values = [this.value(first)];
    for (let index = this.indexOf(kind, first + 1); index !== -1; index = this.indexOf(kind, index + 1))
      values.push(this.value(index));
    return values;
  }

  kind(index: number): FieldKind {
    return this.#table[index * STRIDE + 4]!;
  }

  name(index: number): string {
    const at = index * STRIDE;
    return this.#text.slice(this.#table[at], this.#table[at + 1]);
  }

  lower(index: number): string {
    return this.name(index).toLowerCase();
  }

  value(index: number): string {
    const at = index * STRIDE;
    return this.#text.slice(this.#table[at + 2], this.#table[at + 3]);
  }

  /** The lines [from, to) exactly as they came, each with its CRLF. */
  lines(from: number, to: number): string {
    return this.#text.slice(this.#lineStart(from), this.#lineStart(to));
  }

  /** The value of the first field of this name (given in lower case), or undefined. */
  get(lower: string): string | undefined {
    for (let index = 0; index < this.length; index++)
      if (this.#isNamed(index, lower)) return this.value(index);
    return undefined;
  }

  /** The values of all fields of this name (given in lower case), in order. */
  all(lower: string): string[] {
    const values: string[] = [];
    for (let index = 0; index < this.length; index++)
      if (this.#isNamed(index, lower)) values.push(this.value(index));
    return values;
  }

  *[Symbol.iterator](): Generator<Field, void> {
    for (let index = 0; index < this.length; index++) {
      yield { name: this.name(index), lower: this.lower(index), value: this.value(index) };
    }
  }

  #isNamed(index: number, lower: string): boolean {
    const at = index * STRIDE;
    const length = this.#table[at + 1]! - this.#table[at]!;
    return length === lower.length && this.lower(index) === lower;
  }

  #lineStart(index: number): number {
    return index === this.length ? this.#end : this.#table[index * STRIDE]!;
  }
}

/**
 * Reads the lines of a delimited section from line `first` on; `text` is the whole section, decoded. Throws a Refusal for the
 * first line that is none (rules 8, 9). Linear: each byte of a name is seen once; values are only searched when the section holds
 * a control byte at all, which delimiting it has noticed on the way.
 */
export function readFields(section: Section, first: number, text: string): Fields {
  const { bytes, start, lineEnds, lineCount } = section;
  // At its size from the beginning: growing it as lines come would leave three times as much behind.
  // oxlint-disable-next-line unicorn/no-new-array -- Array.from would walk through it first
  const table = new Array<number>((lineCount - first) * STRIDE);
  let at = 0;
  let kinds = 0;
  let lineStart = first === 0 ? 0 : lineEnds[first - 1]!;
  for (let line = first; line < lineCount; line++) {
    const lineEnd = lineEnds[line]!;
    let nameEnd = lineStart;
    while (FOLDED_TCHAR[bytes[start + nameEnd]!] !== 0) nameEnd++;
    if (bytes[start + nameEnd] !== COLON || nameEnd === lineStart) {
      throw new Refusal(whatIsWrong(bytes, start + lineStart), section.kind);
    }
    let valueStart = nameEnd + 1;
    let valueEnd = lineEnd - 2;
    while (valueStart < valueEnd && isBlank(bytes[start + valueStart]!)) valueStart++;
    while (valueEnd > valueStart && isBlank(bytes[start + valueEnd - 1]!)) valueEnd--;
    if (section.hasControls && holdsControl(bytes, start + valueStart, start + valueEnd)) {
      throw new Refusal('field_value', section.kind);
    }
    const kind = kindOfName(bytes, start + lineStart, start + nameEnd);
    kinds |= 1 << (kind & ~ALIAS);
    table[at] = lineStart;
    table[at + 1] = nameEnd;
    table[at + 2] = valueStart;
    table[at + 3] = valueEnd;
    table[at + 4] = kind;
    at += STRIDE;
    lineStart = lineEnd;
  }
  return new Fields(text, table, lineStart, kinds);
}

/** Why this line has no name that ends in a colon. */
function whatIsWrong(bytes: Uint8Array, lineStart: number): RefusalCode {
  if (isBlank(bytes[lineStart]!)) return 'obs_fold';
  for (let at = lineStart; bytes[at] !== CR; at++) {
    if (bytes[at] === COLON) return at === lineStart ? 'no_colon' : 'field_name';
  }
  return 'no_colon';
}

/** Whether bytes[from, to) hold a control other than HTAB. */
export function holdsControl(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (isControl(bytes[at]!)) return true;
  return false;
}
