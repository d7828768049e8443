/** The rows of found.json: cases that showed a disagreement once, and those that any parser should be tried with. */
import { readFile, writeFile } from 'node:fs/promises';
import type { Case } from './case.ts';

export interface FoundCase extends Case {
  /** What it shows. */
  readonly name: string;
}

const path = new URL('found.json', import.meta.url);

export async function readFound(): Promise<readonly FoundCase[]> {
  const rows: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (!Array.isArray(rows) || !rows.every(isFound)) throw new Error('found.json: a row is no case');
  return rows;
}

/** Adds rows that are not there yet. */
export async function keepFound(rows: readonly FoundCase[]): Promise<void> {
  const known = await readFound();
  const fresh = rows.filter((row) => known.every(({ message }) => message !== row.message));
  if (fresh.length > 0) await writeFile(path, print([...known, ...fresh]));
}

/** As the formatter has it: cuts on one line. No line of this text begins within a string. */
function print(rows: readonly FoundCase[]): string {
  const text = JSON.stringify(rows, undefined, 2);
  return `${text.replace(/^( +"cuts": )\[([^\]]*)\]/gm, (_, name: string, all: string) => `${name}[${oneLine(all)}]`)}\n`;
}

function oneLine(text: string): string {
  return text.trim().split(/\s+/).join(' ');
}

function isFound(row: unknown): row is FoundCase {
  if (typeof row !== 'object' || row === null) return false;
  const { name, message, cuts, halfClosesAtOnce } = row as Partial<Record<keyof FoundCase, unknown>>;
  const isCut =
    cuts === 'whole' ||
    cuts === 'bytes' ||
    (Array.isArray(cuts) && cuts.every((place) => typeof place === 'number'));
  return (
    typeof name === 'string' && typeof message === 'string' && isCut && typeof halfClosesAtOnce === 'boolean'
  );
}
