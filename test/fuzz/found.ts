/** What the hunt has found, kept as rows that a test plays again: a bug that is mended stays mended. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Found } from './hunt.ts';

export interface FoundRow {
  readonly target: string;
  /** What happened when it was found. */
  readonly what: string;
  readonly base64: string;
}

const file = new URL('found.json', import.meta.url);

export function foundRows(): readonly FoundRow[] {
  const rows: readonly FoundRow[] = JSON.parse(readFileSync(file, 'utf8'));
  return rows;
}

/** Gives the row; it is only there once, however often it is found. */
export function keep(target: string, { what, bytes }: Found): FoundRow {
  const row: FoundRow = { target, what: what.slice(0, 300), base64: Buffer.from(bytes).toString('base64') };
  const rows = foundRows();
  const isKnown = rows.some((known) => known.target === target && known.base64 === row.base64);
  if (!isKnown) writeFileSync(file, `${JSON.stringify([...rows, row], undefined, 2)}\n`);
  return row;
}
