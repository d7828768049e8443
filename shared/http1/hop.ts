/**
 * The field names that mean something to this hop, found without making a string of any name. What is done with each of them is
 * decided in `rules` and `write`; the lists of what never passes stand at the end. It knows no values.
 */
import { FOLDED_TCHAR, HYPHEN } from './grammar.ts';

/** What a field is to this hop; `other` passes untouched. A plain number, so that a head's kinds fit into one array of numbers; below 32, so that a set of kinds is one number. */
export type FieldKind = number;

/** Prefixes that only this product may set, in either direction: what a client or a backend sends under them is removed. */
export const RESERVED_PREFIXES: readonly string[] = ['x-inverting-proxy-'];

/**
 * Who the user is, as this proxy tells a backend, and as comparable proxies do under the same prefix: nobody before this proxy may
 * say it, also not those who may speak for others, since what they know of a user this proxy has not seen. What begins with one of
 * these is of its kind.
 */
export const IDENTITY_PREFIXES: readonly string[] = [
  'x-forwarded-user',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-forwarded-access-token',
];

/** The same claims by the other names that are in use where a proxy signs users in: kept from those only who may speak for others. */
const CLAIM_PREFIX = 'x-auth-request-';

/** Names that only this product may set in a response (RFC 9209): no backend can forge them. */
export const RESERVED_RESPONSE_NAMES: readonly string[] = ['proxy-status'];

export const Kind = {
  other: 0,
  host: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  te: 5,
  upgrade: 6,
  expect: 7,
  via: 8,
  maxForwards: 9,
  /** Of this connection only, and without a use here: Keep-Alive and its like. */
  hop: 10,
  forwardedFor: 11,
  forwardedProto: 12,
  forwardedHost: 13,
  /** Any other claim about whom a request came from: Forwarded, X-Real-IP, X-Forwarded-*, X-Auth-Request-*. */
  forwarded: 14,
  /** One of RESERVED_PREFIXES. */
  reserved: 15,
  /** One of RESERVED_RESPONSE_NAMES. */
  reservedInResponse: 16,
  /** Hop-by-hop in a request only: Proxy-Authorization, HTTP2-Settings. */
  requestHop: 17,
  /** X-Request-Id: written anew in every request. */
  requestId: 18,
  /** One of IDENTITY_PREFIXES. */
  identity: 19,
  /** These two pass, but for what of them was meant for the proxy. */
  cookie: 20,
  authorization: 21,
} as const;

/** Added to a kind when the name matched only with `_`, or in a family any other mark, read as `-` (rule 18). */
export const ALIAS = 32;

const FORWARDED_PREFIX = 'x-forwarded-';
const LETTER_X = 0x78;
const LONGEST_NAME = 31;

interface KnownName {
  readonly bytes: Uint8Array;
  readonly kind: FieldKind;
}

const NAMES: readonly (readonly [string, FieldKind])[] = [
  ['host', Kind.host],
  ['connection', Kind.connection],
  ['content-length', Kind.contentLength],
  ['transfer-encoding', Kind.transferEncoding],
  ['te', Kind.te],
  ['upgrade', Kind.upgrade],
  ['expect', Kind.expect],
  ['via', Kind.via],
  ['max-forwards', Kind.maxForwards],
  // Reserved, so that the option `close` names no field (RFC 9112 §12.1): removed whether Connection says it or not.
  ['close', Kind.hop],
  ['keep-alive', Kind.hop],
  ['proxy-connection', Kind.hop],
  ['proxy-authorization', Kind.requestHop],
  ['http2-settings', Kind.requestHop],
  ['x-forwarded-for', Kind.forwardedFor],
  ['x-forwarded-proto', Kind.forwardedProto],
  ['x-forwarded-host', Kind.forwardedHost],
  ['forwarded', Kind.forwarded],
  ['x-real-ip', Kind.forwarded],
  ['x-request-id', Kind.requestId],
  ['cookie', Kind.cookie],
  ['authorization', Kind.authorization],
  ...RESERVED_RESPONSE_NAMES.map((name) => [name, Kind.reservedInResponse] as const),
];

/** Each begins with LETTER_X, so that most names are told apart from them by their first byte. */
const FAMILIES: readonly KnownName[] = [
  family(FORWARDED_PREFIX, Kind.forwarded),
  family(CLAIM_PREFIX, Kind.forwarded),
  ...RESERVED_PREFIXES.map((prefix) => family(prefix, Kind.reserved)),
];

/** All within the family of FORWARDED_PREFIX: nobody else's name is compared with them. */
const IDENTITIES = IDENTITY_PREFIXES.map((prefix) => family(prefix, Kind.identity));

/**
 * As FOLDED_TCHAR, with every other mark read as `-` as well: some that make variables of names (CGI, FastCGI) write `_` for all
 * that is neither letter nor digit. For the families alone: by these names somebody could pass for somebody else.
 */
const FOLDED_MARKS = FOLDED_TCHAR.map((byte) => (isMark(byte) ? HYPHEN : byte));

/** By length and first letter; no two known names share both, so one look decides which name it could be. */
const BY_LENGTH_AND_LETTER = lookupTable();

/** Of a folded byte: it stands for a tchar that is neither letter nor digit. */
function isMark(byte: number): boolean {
  const isDigit = byte >= 0x30 && byte <= 0x39;
  return byte !== 0 && !isDigit && !(byte >= 0x61 && byte <= 0x7a);
}

function knownName(name: string, kind: FieldKind): KnownName {
  return { bytes: Uint8Array.from(name, (letter) => letter.charCodeAt(0)), kind };
}

function family(prefix: string, kind: FieldKind): KnownName {
  if (prefix.charCodeAt(0) !== LETTER_X) throw new Error(`a family of names begins with x: ${prefix}`);
  return knownName(prefix, kind);
}

function lookupTable(): readonly (KnownName | undefined)[] {
  const table: (KnownName | undefined)[] = Array.from({ length: (LONGEST_NAME + 1) * 32 }, () => undefined);
  for (const [name, kind] of NAMES) {
    const slot = slotOf(name.length, name.charCodeAt(0));
    if (table[slot] !== undefined) throw new Error('two known names of one length and first letter');
    table[slot] = knownName(name, kind);
  }
  return table;
}

function slotOf(length: number, firstByte: number): number {
  return (length << 5) | (firstByte & 31);
}

/** The kind of the name bytes[start, end), which must be a token; with ALIAS added where `_` stood for `-`. */
export function kindOfName(bytes: Uint8Array, start: number, end: number): FieldKind {
  const length = end - start;
  const first = bytes[start]!;
  if (length <= LONGEST_NAME) {
    const known = BY_LENGTH_AND_LETTER[slotOf(length, first)];
    if (known !== undefined && startsWith(bytes, start, known.bytes, FOLDED_TCHAR))
      return withAlias(bytes, start, known);
  }
  if (FOLDED_TCHAR[first] !== LETTER_X) return Kind.other;
  const known = familyAmong(FAMILIES, bytes, start, length);
  if (known === undefined) return Kind.other;
  const narrower = known.kind === Kind.forwarded ? familyAmong(IDENTITIES, bytes, start, length) : undefined;
  return withAlias(bytes, start, narrower ?? known);
}

function familyAmong(
  families: readonly KnownName[],
  bytes: Uint8Array,
  start: number,
  length: number,
): KnownName | undefined {
  for (const known of families)
    if (length >= known.bytes.length && startsWith(bytes, start, known.bytes, FOLDED_MARKS)) return known;
  return undefined;
}

function startsWith(bytes: Uint8Array, start: number, folded: Uint8Array, folding: Uint8Array): boolean {
  for (let at = 0; at < folded.length; at++) {
    if (folding[bytes[start + at]!] !== folded[at]) return false;
  }
  return true;
}

function withAlias(bytes: Uint8Array, start: number, known: KnownName): FieldKind {
  for (let at = 0; at < known.bytes.length; at++)
    if (known.bytes[at] === HYPHEN && bytes[start + at] !== HYPHEN) return known.kind | ALIAS;
  return known.kind;
}
