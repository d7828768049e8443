/**
 * JSON (RFC 8259) read so that a person can be told the line: of what is no JSON, and of each value. Stricter than
 * JSON.parse in one thing: a name that stands twice in an object is an error, since one of the two would be lost. It knows
 * no record.
 */
import { TunnelError } from '../../shared/errors/tunnel-error.ts';

export class JsonViolation extends TunnelError<'json_malformed', undefined> {
  /** From 1. */
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason, { code: 'json_malformed', scope: 'setting', initiator: 'local', answer: undefined });
    this.line = line;
  }
}

export interface LocatedJson {
  readonly value: unknown;
  /** The line of a value, or of the innermost one around it that is there. */
  lineOf(path: readonly (string | number)[]): number;
}

/** A record is four deep; what is deeper is none, and deep enough would be a stack overflow. */
const maxDepth = 16;

interface Node {
  readonly value: unknown;
  readonly line: number;
  readonly parts: ReadonlyMap<string | number, Node> | undefined;
}

/** @throws JsonViolation */
export function readLocatedJson(text: string): LocatedJson {
  const root = new Reader(text).read();
  return {
    value: root.value,
    lineOf(path) {
      let node = root;
      for (const step of path) {
        const part = node.parts?.get(step);
        if (part === undefined) break;
        node = part;
      }
      return node.line;
    },
  };
}

const marks = '[]{},:';
const words = ['true', 'false', 'null'];
const numberChars = '0123456789-+.eE';

class Reader {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #token = '';

  constructor(text: string) {
    this.#text = text;
  }

  read(): Node {
    this.#next();
    const node = this.#value(0);
    if (this.#token !== '') throw this.#wrong('something stands behind the end');
    return node;
  }

  /** On to the next token; the empty one is the end. */
  #next(): void {
    for (; this.#at < this.#text.length; this.#at += 1) {
      const char = this.#text[this.#at];
      if (char === '\n') this.#line += 1;
      else if (char !== ' ' && char !== '\t' && char !== '\r') break;
    }
    this.#token = this.#text.slice(this.#at, this.#endOfToken());
    if (this.#token === '' && this.#at < this.#text.length) {
      throw this.#wrong(`what begins with ${JSON.stringify(this.#text[this.#at])} is no JSON`);
    }
    this.#at += this.#token.length;
  }

  /** Where it begins, where there is none. Its inside is looked at by JSON.parse. */
  #endOfToken(): number {
    const text = this.#text;
    const first = text.charAt(this.#at);
    if (first !== '' && marks.includes(first)) return this.#at + 1;
    let end = this.#at;
    if (first === '"') {
      for (end += 1; end < text.length && text[end] !== '\n'; end += 1) {
        if (text[end] === '"') return end + 1;
        if (text[end] === '\\') end += 1;
      }
      return this.#at;
    }
    while (end < text.length && numberChars.includes(text.charAt(end))) end += 1;
    if (end > this.#at && first !== 'e' && first !== 'E') return end;
    return this.#at + (words.find((word) => text.startsWith(word, this.#at))?.length ?? 0);
  }

  #value(depth: number): Node {
    if (depth > maxDepth) throw this.#wrong('it is nested too deeply');
    const line = this.#line;
    if (this.#token === '{') return this.#object(line, depth);
    if (this.#token === '[') return this.#array(line, depth);
    if (this.#token === '' || ']},:'.includes(this.#token)) throw this.#wrong('a value is missing');
    const value = this.#scalar();
    this.#next();
    return { value, line, parts: undefined };
  }

  #object(line: number, depth: number): Node {
    const parts = new Map<string | number, Node>();
    this.#next();
    while (this.#token !== '}') {
      if (parts.size > 0) this.#expect(',');
      const member = this.#token.startsWith('"') ? this.#scalar() : undefined;
      if (typeof member !== 'string') throw this.#wrong('the name of a member, in quotes, is missing');
      if (parts.has(member)) throw this.#wrong(`${JSON.stringify(member)} stands here twice`);
      this.#next();
      this.#expect(':');
      parts.set(member, this.#value(depth + 1));
    }
    this.#next();
    // Defined one by one: a member named __proto__ is one like any other.
    const value = Object.fromEntries(Array.from(parts, ([member, node]) => [member, node.value]));
    return { value, line, parts };
  }

  #array(line: number, depth: number): Node {
    const parts = new Map<string | number, Node>();
    this.#next();
    while (this.#token !== ']') {
      if (parts.size > 0) this.#expect(',');
      parts.set(parts.size, this.#value(depth + 1));
    }
    this.#next();
    return { value: Array.from(parts.values(), ({ value }) => value), line, parts };
  }

  #expect(char: string): void {
    if (this.#token !== char) {
      throw this.#wrong(
        this.#token === '' ? 'it ends too early' : `a ${char} is missing before ${this.#token}`,
      );
    }
    this.#next();
  }

  #scalar(): unknown {
    try {
      return JSON.parse(this.#token);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw this.#wrong(`${this.#token.slice(0, 40)} is no JSON`);
    }
  }

  #wrong(reason: string): JsonViolation {
    return new JsonViolation(this.#line, reason);
  }
}
