/** The plain formats: texts, secrets, numbers, choices, files. Durations and sizes are in measures.ts, names of the network in addresses.ts. */
import { FormatViolation, scalar } from './format.ts';
import type { Format } from './format.ts';

/** Any text of at most `maxLength` characters, without control characters. */
export function text(kind = 'text', maxLength = 1024): Format<string> {
  return scalar({
    kind,
    right: `give at most ${maxLength} characters on one line`,
    parse: (raw) => (raw.length <= maxLength && isOneLine(raw) ? raw : undefined),
  });
}

/** A secret of at least `minBytes` bytes (UTF-8). Its value never stands in an error. */
export function secret(minBytes = 1): Format<string> {
  const right =
    minBytes === 1
      ? 'give it on one line'
      : `give at least ${minBytes} bytes, as \`openssl rand -hex 32\` makes them`;
  return scalar({
    kind: 'secret',
    right,
    isSecret: true,
    parse: (raw) => {
      const bytes = Buffer.byteLength(raw);
      if (bytes < minBytes) throw new FormatViolation(`is ${bytes} ${bytes === 1 ? 'byte' : 'bytes'} long`);
      if (!isOneLine(raw)) throw new FormatViolation('holds a line break or another control character');
      return raw;
    },
  });
}

export interface Secret {
  readonly secret: string;
  /** Where it lay, for whoever reads it again when it has changed; undefined: it was given as it is. */
  readonly file: string | undefined;
}

/** A secret of at least one byte that remembers where it lay. */
export function secretOfFile(): Format<Secret> {
  const plain = secret();
  return { ...plain, read: (raw, readFile, file) => ({ secret: plain.read(raw, readFile), file }) };
}

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Format<number> {
  return scalar({
    kind: 'number',
    right:
      max === Number.MAX_SAFE_INTEGER
        ? `give a whole number from ${min} on`
        : `give a whole number from ${min} to ${max}`,
    parse: (raw) => {
      const value = readDigits(raw);
      return value !== undefined && value >= min && value <= max ? value : undefined;
    },
  });
}

/** 0 is a port too: the system then takes a free one. */
export function port(): Format<number> {
  return scalar({
    kind: 'port',
    right: 'give a number from 0 to 65535',
    parse: (raw) => {
      const value = readDigits(raw);
      return value !== undefined && value <= 65_535 ? value : undefined;
    },
  });
}

/** A bare flag says true. */
export function boolean(): Format<boolean> {
  return scalar({
    kind: 'boolean',
    right: 'give true or false',
    isBare: true,
    parse: (raw) => (raw === 'true' ? true : raw === 'false' ? false : undefined),
  });
}

/** One of a few words. */
export function oneOf<const Word extends string>(...words: readonly Word[]): Format<Word> {
  return scalar({
    kind: words.join('|'),
    right: `give one of ${words.join(', ')}`,
    parse: (raw) => {
      const word = words.find((candidate) => candidate === raw);
      if (word === undefined) throw new FormatViolation('is not a known word');
      return word;
    },
  });
}

/** The path of a file that can be read now; what is in it is read again by whoever uses it. */
export function readableFile(): Format<string> {
  return scalar({
    kind: 'file',
    right: 'give the path of a file that this process may read',
    parse: (raw, readFile) => {
      try {
        readFile(raw);
      } catch (error) {
        throw new FormatViolation(`cannot be read (${reasonOf(error)})`);
      }
      return raw;
    },
  });
}

/** A system error's code, such as `ENOENT`; its message would repeat the path. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  throw error;
}

/** Digits alone, as a safe integer. */
export function readDigits(raw: string): number | undefined {
  if (!/^[0-9]{1,16}$/.test(raw)) return undefined;
  const value = Number(raw);
  return Number.isSafeInteger(value) ? value : undefined;
}

function isOneLine(raw: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return !/[\u0000-\u001f\u007f]/.test(raw);
}
