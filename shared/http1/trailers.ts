/**
 * The trailer section of a chunked body (RFC 9112 §7.1.2, RFC 9110 §6.5): the byte rules of a head, and which of its fields may go
 * on. Trailers come when everything has been decided, so nothing that decides may stand there (rule 30).
 */
import type { ConnectionNames } from './connection.ts';
import { readFields } from './fields.ts';
import type { Field } from './fields.ts';
import { ALIAS, Kind } from './hop.ts';
import type { FieldKind } from './hop.ts';
import type { DecodeLatin1 } from './latin1.ts';
import { Refusal } from './refusal.ts';
import type { Section } from './section.ts';

/** Known to no other rule, and yet of authentication or framing kind (RFC 9110 §6.5.1). */
const NEVER_IN_TRAILERS: ReadonlySet<string> = new Set([
  'proxy-authenticate',
  'www-authenticate',
  'set-cookie',
  'trailer',
  'content-encoding',
  'content-type',
  'content-range',
]);

/** The fields that go on, of a complete section. Throws a Refusal. */
export function readTrailers(
  section: Section,
  decode: DecodeLatin1,
  connectionNames: ConnectionNames,
): readonly Field[] {
  const text = decode(section.bytes, section.start, section.start + section.size);
  const fields = readFields(section, 0, text);
  const kept: Field[] = [];
  let index = 0;
  for (const field of fields) {
    const kind = fields.kind(index++) & ~ALIAS;
    if (isFraming(kind)) throw new Refusal('trailer_framing', section.kind);
    if (kind !== Kind.other || connectionNames.has(field.lower)) continue;
    if (!NEVER_IN_TRAILERS.has(field.lower.replaceAll('_', '-'))) kept.push(field);
  }
  return kept;
}

function isFraming(kind: FieldKind): boolean {
  return kind === Kind.transferEncoding || kind === Kind.contentLength || kind === Kind.host;
}
