/**
 * Reads the plain forms of regular expressions this tree uses into the positions of their characters and what may follow what
 * (Glushkov's construction). What it does not understand it refuses: lookaround, backreferences, anchors in the middle.
 */

/** One place in an expression at which a character is read. */
export interface Position {
  /** The characters it reads: those below 256, and one bit for all others. */
  readonly chars: ReadonlySet<number>;
  readonly follow: Set<Position>;
  /** It can be read again without an end, by itself or with what stands around it. */
  isEndless: boolean;
  /** How many repetitions it stands in. */
  loops: number;
}

export interface Expression {
  readonly first: ReadonlySet<Position>;
  readonly last: ReadonlySet<Position>;
  readonly positions: readonly Position[];
  /** Every alternative begins with `^`. */
  readonly isAnchored: boolean;
  /** `$` stands at an end. */
  readonly hasEnd: boolean;
}

interface Part {
  readonly first: ReadonlySet<Position>;
  readonly last: ReadonlySet<Position>;
  readonly isNullable: boolean;
  /** A `^` and nothing before it; a `$` and nothing behind it. */
  readonly start?: boolean;
  readonly end?: boolean;
}

const OTHERS = 256;
const ALL = Array.from({ length: OTHERS + 1 }, (_, code) => code);
const EMPTY: Part = { first: new Set(), last: new Set(), isNullable: true };

const charsOf = (test: (char: string) => boolean): number[] =>
  ALL.filter((code) => code < OTHERS && test(String.fromCharCode(code)));
const CLASSES: Readonly<Record<string, readonly number[]>> = {
  d: charsOf((char) => /\d/.test(char)),
  w: charsOf((char) => /\w/.test(char)),
  s: [...charsOf((char) => /\s/.test(char)), OTHERS],
};
const CONTROLS: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n', v: '\v', f: '\f', 0: '\0' };

class Reader {
  readonly positions: Position[] = [];
  readonly #source: string;
  readonly #ignoresCase: boolean;
  #at = 0;

  constructor(source: string, ignoresCase: boolean) {
    this.#source = source;
    this.#ignoresCase = ignoresCase;
  }

  get isOver(): boolean {
    return this.#at === this.#source.length;
  }

  alternatives(): Part {
    const parts = [this.#sequence()];
    while (this.#takes('|')) parts.push(this.#sequence());
    return {
      first: new Set(parts.flatMap(({ first }) => [...first])),
      last: new Set(parts.flatMap(({ last }) => [...last])),
      isNullable: parts.some(({ isNullable }) => isNullable),
      start: parts.every(({ start }) => start === true),
      end: parts.some(({ end }) => end === true),
    };
  }

  #sequence(): Part {
    const start = this.#takes('^');
    let whole = EMPTY;
    let end = false;
    while (!this.isOver && !'|)'.includes(this.#next)) {
      if (end) throw new Error('a $ in the middle');
      if (this.#takes('$')) {
        end = true;
        continue;
      }
      const part = this.#quantified();
      for (const position of whole.last) for (const next of part.first) position.follow.add(next);
      whole = {
        first: whole.isNullable ? new Set([...whole.first, ...part.first]) : whole.first,
        last: part.isNullable ? new Set([...whole.last, ...part.last]) : part.last,
        isNullable: whole.isNullable && part.isNullable,
      };
    }
    return { ...whole, start, end };
  }

  #quantified(): Part {
    const begun = this.positions.length;
    const part = this.#atom();
    const quantifier = this.#match(/[*+?]|\{(\d+)(,?)(\d*)\}/y);
    if (quantifier === null) return part;
    if (this.#takes('?')) throw new Error('a lazy repetition');
    const [text, least = '', comma = '', most = ''] = quantifier;
    const isEndless = text === '*' || text === '+' || (comma !== '' && most === '');
    const isLoop = isEndless || Number(comma === '' ? least : most) > 1;
    if (isLoop) {
      for (const position of part.last) {
        for (const next of part.first) {
          // A repetition within it makes the same step: how often each of the two is gone through is open.
          if (position.follow.has(next)) throw new Error('a repetition of a repetition');
          position.follow.add(next);
        }
      }
      for (const position of this.positions.slice(begun)) {
        position.loops += 1;
        position.isEndless ||= isEndless;
      }
    }
    return { ...part, isNullable: part.isNullable || text === '*' || text === '?' || least === '0' };
  }

  #match(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.#at;
    const match = sticky.exec(this.#source);
    this.#at += match?.[0].length ?? 0;
    return match;
  }

  #atom(): Part {
    if (this.#takes('(')) {
      if (this.#takes('?') && !this.#takes(':')) throw new Error('a group with a question mark');
      const part = this.alternatives();
      if (!this.#takes(')')) throw new Error('a group without an end');
      if (part.start === true || part.end === true) throw new Error('an anchor in a group');
      return part;
    }
    if (this.#takes('[')) return this.#position(this.#characterClass());
    if (this.#takes('.')) return this.#position(ALL.filter((code) => code !== 10 && code !== 13));
    if (this.#takes('\\')) return this.#position(this.#escape());
    if (')*+?{^$'.includes(this.#next)) throw new Error(`a ${this.#next} that is not understood`);
    return this.#position([this.#code(this.#take())]);
  }

  #characterClass(): number[] {
    const isNegated = this.#takes('^');
    const chars = new Set<number>();
    while (!this.#takes(']')) {
      const from = this.#takes('\\') ? this.#escape() : [this.#code(this.#take())];
      if (from.length === 1 && this.#next === '-' && this.#source[this.#at + 1] !== ']') {
        this.#take();
        const to = this.#takes('\\') ? this.#escape() : [this.#code(this.#take())];
        for (let code = from[0] ?? 0; code <= (to[0] ?? 0); code++) chars.add(Math.min(code, OTHERS));
      } else for (const code of from) chars.add(code);
    }
    const cased = this.#cased([...chars]);
    return isNegated ? ALL.filter((code) => code === OTHERS || !cased.has(code)) : [...cased];
  }

  #escape(): readonly number[] {
    const hex = this.#match(/u([0-9a-f]{4})|x([0-9a-f]{2})/iy);
    if (hex !== null) return [Math.min(OTHERS, parseInt(hex[1] ?? hex[2] ?? '', 16))];
    const char = this.#take();
    const known = CLASSES[char];
    if (known !== undefined) return known;
    const control = CONTROLS[char];
    if (control !== undefined) return [this.#code(control)];
    if (/\w/.test(char)) throw new Error(`an escape that is not understood: \\${char}`);
    return [this.#code(char)];
  }

  #position(chars: readonly number[]): Part {
    const position: Position = { chars: this.#cased(chars), follow: new Set(), isEndless: false, loops: 0 };
    this.positions.push(position);
    return { first: new Set([position]), last: new Set([position]), isNullable: false };
  }

  #cased(chars: readonly number[]): Set<number> {
    if (!this.#ignoresCase) return new Set(chars);
    return new Set(
      chars.flatMap((code) => {
        const char = String.fromCharCode(code);
        return code === OTHERS
          ? [code]
          : [code, this.#code(char.toLowerCase()), this.#code(char.toUpperCase())];
      }),
    );
  }

  #code(char: string): number {
    return Math.min(OTHERS, char.charCodeAt(0));
  }

  get #next(): string {
    return this.#source[this.#at] ?? '';
  }

  #take(): string {
    if (this.isOver) throw new Error('an end in the middle');
    return this.#source[this.#at++] ?? '';
  }

  #takes(char: string): boolean {
    if (this.#next !== char) return false;
    this.#at += 1;
    return true;
  }
}

/** Throws an error that says what is not understood. */
export function parseExpression(source: string, flags: string): Expression {
  const reader = new Reader(source, flags.includes('i'));
  const { first, last, start, end } = reader.alternatives();
  if (!reader.isOver) throw new Error('a bracket that nothing opens');
  return {
    first,
    last,
    positions: reader.positions,
    isAnchored: start === true && !flags.includes('m'),
    hasEnd: end === true,
  };
}
