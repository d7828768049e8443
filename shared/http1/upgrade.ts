/** The Upgrade field (RFC 9110 §7.8): when a request's offer counts, and whether a 101 took it up. It switches nothing itself. */
import { listElements } from './grammar.ts';
import type { ConnectionNames } from './connection.ts';
import type { Fields } from './fields.ts';
import { hasBody } from './framing.ts';
import type { Framing } from './framing.ts';
import { Kind } from './hop.ts';
import type { Version } from './start-line.ts';

/** HTTP/2 in clear text and other HTTP versions would carry requests past this hop unseen (rule 23). */
const NEVER_OFFERED = ['h2c', 'http/'];

/** The Upgrade value to forward, or undefined when the field is to be dropped and the request goes on as usual (rule 23). */
export function offeredUpgrade(
  fields: Fields,
  version: Version,
  connectionNames: ConnectionNames,
  framing: Framing,
): string | undefined {
  if (
    version !== '1.1' ||
    !fields.holds(Kind.upgrade) ||
    !connectionNames.has('upgrade') ||
    hasBody(framing)
  ) {
    return undefined;
  }
  const values = fields.valuesOf(Kind.upgrade);
  const value = values[0];
  if (values.length !== 1 || value === undefined || value === '') return undefined;
  const lower = value.toLowerCase();
  return NEVER_OFFERED.some((never) => lower.includes(never)) ? undefined : value;
}

/** Whether a 101 with these fields switches to what was offered, and to nothing else (rule 37). */
export function takesUpgrade(
  fields: Fields,
  connectionNames: ConnectionNames,
  offered: string | undefined,
): boolean {
  if (offered === undefined || !connectionNames.has('upgrade')) return false;
  const offers = new Set(listElements(offered.toLowerCase()));
  let taken = 0;
  for (const value of fields.valuesOf(Kind.upgrade)) {
    for (const protocol of listElements(value.toLowerCase())) {
      if (!offers.has(protocol)) return false;
      taken++;
    }
  }
  return taken > 0;
}
