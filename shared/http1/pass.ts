/**
 * Which lines of a head go on to the next hop: all of them exactly as they came, in runs cut out of the head's own text, but those
 * that end at this hop and those written anew. It knows kinds of fields, not messages.
 */
import { listsFields } from './connection.ts';
import type { ConnectionNames } from './connection.ts';
import type { Fields } from './fields.ts';
import { ALIAS } from './hop.ts';
import type { FieldKind } from './hop.ts';

/** What to write for a field instead of its line, with CRLF, whatever Connection lists; '' is nothing; undefined lets it pass. */
export type Rewrite<Context> = (fields: Fields, index: number, context: Context) => string | undefined;

/** Kinds as bits. Both sets mean a name and its alias (`_` for `-`, rule 18) alike. */
export interface KindSets {
  readonly dropped: number;
  readonly rewritten: number;
}

export function kindSet(...kinds: readonly FieldKind[]): number {
  return kinds.reduce((set, kind) => set | (1 << kind), 0);
}

/** The lines that pass, and the rewritten ones in their places. Fields that `names` lists are left out with the dropped ones. */
export function passedLines<Context>(
  fields: Fields,
  names: ConnectionNames,
  sets: KindSets,
  rewrite: Rewrite<Context>,
  context: Context,
): string {
  const listed = listsFields(names) ? names : undefined;
  let text = '';
  let runStart = 0;
  for (let index = 0; index < fields.length; index++) {
    const line = lineInstead(fields, index, listed, sets, rewrite, context);
    if (line === undefined) continue;
    text += fields.lines(runStart, index) + line;
    runStart = index + 1;
  }
  return text + fields.lines(runStart, fields.length);
}

function lineInstead<Context>(
  fields: Fields,
  index: number,
  listed: ConnectionNames | undefined,
  sets: KindSets,
  rewrite: Rewrite<Context>,
  context: Context,
): string | undefined {
  const bit = 1 << (fields.kind(index) & ~ALIAS);
  if ((sets.dropped & bit) !== 0) return '';
  if ((sets.rewritten & bit) !== 0) {
    const line = rewrite(fields, index, context);
    if (line !== undefined) return line;
  }
  return listed !== undefined && listed.has(fields.lower(index)) ? '' : undefined;
}
