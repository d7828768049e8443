/**
 * A Cookie field without some of its cookies (RFC 6265 §4.2.1): those that were meant for this hop. What stays, stays byte for byte.
 */
import { isBlank, withoutBlanks } from './grammar.ts';
import type { Fields } from './fields.ts';

/**
 * What to write for the Cookie line at `index` without the cookies of these names: '' where nothing is left, undefined where none of
 * them is in it. Every `;` ends a cookie, also between quotes: a backend that reads quotes otherwise is to see none of them either.
 * Names are compared exactly. Linear in the line, however many the names are: clients choose them.
 */
export function withoutCookies(
  fields: Fields,
  index: number,
  names: ReadonlySet<string>,
): string | undefined {
  const pairs = fields.value(index).split(';');
  const kept = pairs.filter((pair) => !isNamed(pair, names));
  if (kept.length === pairs.length) return undefined;
  const rest = withoutFirstBlanks(kept.join(';'));
  return rest === '' ? '' : `${fields.name(index)}: ${rest}\r\n`;
}

function isNamed(pair: string, names: ReadonlySet<string>): boolean {
  const equals = pair.indexOf('=');
  return equals !== -1 && names.has(withoutBlanks(pair.slice(0, equals)));
}

/** What stood behind a cookie that is gone. */
function withoutFirstBlanks(text: string): string {
  let from = 0;
  while (from < text.length && isBlank(text.charCodeAt(from))) from++;
  return text.slice(from);
}
