/**
 * What a setting's text may say and what it becomes: the shape of a format, its violation, and the ways to make one.
 * A format knows neither the setting's name nor where the text came from.
 */
import { TunnelError } from '../errors/tunnel-error.ts';

/** Gives a file's text, or throws as node:fs does. */
export type ReadFile = (path: string) => string;

/** As it was written: one text, or, for lists, one text an item. */
export type Raw = string | readonly string[];

export interface Format<T> {
  /** One word for --help: `duration`, `size`, `port`. */
  readonly kind: string;
  /** What would be right, as it follows a colon: `give a number with its unit, as in 15s`. */
  readonly right: string;
  /** A flag of this format needs no value: bare, it says true. */
  readonly isBare?: true;
  /** A flag of this format may stand more than once. */
  readonly isList?: true;
  /** Its value never stands in an error, and it may come from a file named by NAME_FILE. */
  readonly isSecret?: true;
  /** @param file where a secret lay, if it lay in a file. Throws `FormatViolation`. */
  read(raw: Raw, readFile: ReadFile, file?: string): T;
  /** How a value is shown in an error, where the value may carry a secret. */
  readonly show?: (text: string) => string;
}

/** The text is none of this format. The message follows the setting's name: `is not a port`. */
export class FormatViolation extends TunnelError<'setting_format', undefined> {
  readonly right: string | undefined;

  /** @param right what would be right, where it is other than what the format says */
  constructor(wrong: string, right?: string) {
    super(wrong, { code: 'setting_format', scope: 'setting', initiator: 'local', answer: undefined });
    this.right = right;
  }
}

export interface Scalar<T> {
  readonly kind: string;
  readonly right: string;
  /** The value, or undefined for a text that is none; throws `FormatViolation` where it can say more. */
  readonly parse: (text: string, readFile: ReadFile, file?: string) => T | undefined;
  readonly show?: (text: string) => string;
  readonly isBare?: true;
  readonly isSecret?: true;
}

/** A format of one text. */
export function scalar<T>({ parse, ...rest }: Scalar<T>): Format<T> {
  return {
    ...rest,
    read(raw, readFile, file) {
      if (typeof raw !== 'string') throw new FormatViolation('is a list');
      const value = parse(raw, readFile, file);
      if (value === undefined) throw new FormatViolation(`is not ${article(rest.kind)} ${rest.kind}`);
      return value;
    },
  };
}

/** A list of what `item` reads: separated by commas, or an array in a file. Blanks around items and empty items are dropped. */
export function list<T>(item: Format<T>): Format<readonly T[]> {
  return {
    kind: `${item.kind},…`,
    right: item.right,
    isList: true,
    read(raw, readFile) {
      const texts = typeof raw === 'string' ? raw.split(',') : raw;
      return texts
        .map((text) => text.trim())
        .filter((text) => text !== '')
        .map((text) => {
          try {
            return item.read(text, readFile);
          } catch (error) {
            if (!(error instanceof FormatViolation) || texts.length === 1) throw error;
            throw new FormatViolation(`holds ${JSON.stringify(text)}, which ${error.message}`, error.right);
          }
        });
    },
  };
}

function article(noun: string): string {
  return /^[aeio]/.test(noun) ? 'an' : 'a';
}
