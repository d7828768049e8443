/**
 * What one source gives: values by setting, each remembering how the person wrote it, so that an error can say so. Knows
 * neither formats nor which source wins.
 */
import type { Raw } from './format.ts';
import type { Named } from './names.ts';
import type { SettingProblem } from './setting-error.ts';

/** Longer values are cut in errors. */
const maxShownLength = 80;

/** One value as one source gives it. */
export interface Given {
  readonly raw: Raw;
  /** The name as it was written there: `--port`, `-e PORT`, `PORT`, a key of the file. */
  readonly name: string;
  /** What stands between name and value there: `=`, or `: ` in a file. */
  readonly separator: string;
  /** Where, in brackets behind it; empty where the name says it already. */
  readonly place: string;
  /** The file that a secret lay in, where it lay in one. */
  readonly file?: string;
}

export interface Source {
  readonly values: Map<string, Given>;
  /** Paths of the files that hold secrets. */
  readonly files: Map<string, Given>;
}

export function createSource(): Source {
  return { values: new Map(), files: new Map() };
}

/** Notes a value; one that was given before in the same source is a problem, since one of the two would silently lose. */
export function give(source: Source, named: Named, given: Given, problems: SettingProblem[]): void {
  const map = named.isFile ? source.files : source.values;
  if (map.has(named.key)) {
    problems.push({
      code: 'conflict',
      setting: given.name,
      line: `${given.name}${given.place} is given twice: give it once`,
    });
    return;
  }
  map.set(named.key, given);
}

/** `PORT="http" (environment)`; without the value where no `show` says how to show it. */
export function describeGiven(given: Given, show?: (text: string) => string): string {
  if (show === undefined) return `${given.name}${given.place}`;
  const text = typeof given.raw === 'string' ? given.raw : given.raw.join(',');
  const shown = show(text);
  const cut = shown.length > maxShownLength ? `${shown.slice(0, maxShownLength)}…` : shown;
  return `${given.name}${given.separator}${JSON.stringify(cut)}${given.place}`;
}
