/** The tables of docs/http.md that say what is changed on the way: one row a change, by its key. */
import { readFileSync } from 'node:fs';

export interface ChangeRow {
  readonly key: string;
  /** Field names that the row speaks of, in lower case; one that ends in `*` is the beginning of names. */
  readonly names: readonly string[];
  readonly why: string;
  readonly sections: string;
}

export function readChangeRows(): ChangeRow[] {
  const text = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');
  const rows = text.matchAll(/^\| `((?:request|response)-[\w-]+)` +\|([^|]*)\|([^|]*)\|([^|]*)\|$/gm);
  const [, trailers = ''] = /^### Fields that no trailer may be\n(.*?)^#/ms.exec(text) ?? [];
  return Array.from(rows, ([, key = '', what = '', why = '', sections = '']) => ({
    key,
    names: namesIn(what.includes('#fields-that-no-trailer-may-be') ? trailers : what),
    why: why.trim(),
    sections: sections.trim(),
  }));
}

/** Settings, the other code in these cells, have underscores. */
function namesIn(text: string): string[] {
  return Array.from(text.matchAll(/`([A-Za-z0-9-]+\*?)`/g), ([, name = '']) => name.toLowerCase());
}

/** Whether a row speaks of a field of this name. */
export function namesField({ names }: ChangeRow, name: string): boolean {
  return names.some(
    (known) => known === name || (known.endsWith('*') && name.startsWith(known.slice(0, -1))),
  );
}
