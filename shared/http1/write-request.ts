/**
 * Writes a request's head for the backend (rules 18-22, 25): start line, the lines that pass, then what this hop says itself. Text
 * out, latin1: one char is one byte. It decides nothing about the request's meaning, that is `rules`.
 */
import { extraLines } from './extra.ts';
import type { ExtraFields } from './extra.ts';
import type { Fields } from './fields.ts';
import type { RequestHead } from './head.ts';
import { ALIAS, Kind } from './hop.ts';
import { kindSet, passedLines } from './pass.ts';
import type { KindSets } from './pass.ts';
import { withoutCookies } from './cookies.ts';
import type { RequestMeaning } from './rules.ts';

/** What this hop says about where a request came from (rule 21). It is this program's own or checked before: no CR, no LF in it. */
export interface Forwarding {
  /** The client's address. */
  readonly for: string;
  readonly proto: 'http' | 'https';
  /** The host the client asked for, as sent. */
  readonly host: string;
  /** The name this proxy goes by in Via. */
  readonly via: string;
  /** Of the exchange, for every log it passes; undefined: none is written. */
  readonly requestId?: string | undefined;
  /** Whether the client may speak for those before it (rule 20, configured trusted networks): its forwarding fields are kept. */
  readonly trustChain: boolean;
  /** Goes to the backend instead of the client's Host, where the agent asks for that. */
  readonly hostHeader?: string | undefined;
}

/** What a backend is told less than the client sent, and more. */
export interface Disclosure {
  /** Exact names of cookies that are left out. */
  readonly withheldCookies: readonly string[];
  /** Authorization is left out. */
  readonly withholdsAuthorization: boolean;
  /** What is added behind all that passes. */
  readonly fields: ExtraFields;
}

const NO_NAMES: ReadonlySet<string> = new Set();
const AS_SENT: Disclosure = { withheldCookies: [], withholdsAuthorization: false, fields: [] };

const HOP_IN_REQUEST = kindSet(
  Kind.connection,
  Kind.te,
  Kind.hop,
  Kind.requestHop,
  Kind.reserved,
  Kind.identity,
  Kind.requestId,
);
const FORWARDED = kindSet(Kind.forwarded, Kind.forwardedFor, Kind.forwardedProto, Kind.forwardedHost);
const REWRITTEN_IN_REQUEST = kindSet(
  Kind.host,
  Kind.contentLength,
  Kind.transferEncoding,
  Kind.upgrade,
  Kind.expect,
  Kind.maxForwards,
);

const AUTHORIZATION = kindSet(Kind.authorization);
const COOKIE = kindSet(Kind.cookie);

const FROM_STRANGERS: KindSets = { dropped: HOP_IN_REQUEST | FORWARDED, rewritten: REWRITTEN_IN_REQUEST };
const FROM_TRUSTED: KindSets = { dropped: HOP_IN_REQUEST, rewritten: REWRITTEN_IN_REQUEST | FORWARDED };

interface RequestContext {
  readonly head: RequestHead;
  readonly meaning: RequestMeaning;
  readonly hostHeader: string | undefined;
  readonly withheldCookies: ReadonlySet<string>;
}

/** The whole head for the backend. It is HTTP/1.1 whatever the client spoke: each hop speaks its own version (RFC 9112 §2.3). */
export function writeRequestHead(
  head: RequestHead,
  meaning: RequestMeaning,
  forwarding: Forwarding,
  disclosure: Disclosure = AS_SENT,
): string {
  const sets = setsFor(forwarding.trustChain, disclosure);
  const { hostHeader } = forwarding;
  const names = disclosure.withheldCookies;
  const withheldCookies = names.length === 0 ? NO_NAMES : new Set(names);
  const context: RequestContext = { head, meaning, hostHeader, withheldCookies };
  return (
    `${head.method} ${meaning.target} HTTP/1.1\r\n` +
    passedLines(head.fields, meaning.connectionNames, sets, requestLine, context) +
    requestConnection(meaning) +
    forwardingLines(head, meaning, forwarding) +
    `Via: ${head.version} ${forwarding.via}\r\n` +
    (forwarding.requestId === undefined ? '' : `X-Request-Id: ${forwarding.requestId}\r\n`) +
    extraLines(disclosure.fields) +
    '\r\n'
  );
}

/** Where nothing is withheld, the lines of these kinds stay within the runs that pass. */
function setsFor(trustChain: boolean, { withheldCookies, withholdsAuthorization }: Disclosure): KindSets {
  const sets = trustChain ? FROM_TRUSTED : FROM_STRANGERS;
  if (withheldCookies.length === 0 && !withholdsAuthorization) return sets;
  return {
    dropped: withholdsAuthorization ? sets.dropped | AUTHORIZATION : sets.dropped,
    rewritten: withheldCookies.length === 0 ? sets.rewritten : sets.rewritten | COOKIE,
  };
}

function requestLine(fields: Fields, index: number, context: RequestContext): string | undefined {
  const { head, hostHeader, meaning } = context;
  switch (fields.kind(index)) {
    case Kind.host:
      return hostHeader === undefined ? undefined : `${fields.name(index)}: ${hostHeader}\r\n`;
    case Kind.contentLength:
      return meaning.framing.kind === 'sized' ? `${fields.name(index)}: ${meaning.framing.length}\r\n` : '';
    case Kind.transferEncoding:
      return `${fields.name(index)}: chunked\r\n`;
    case Kind.upgrade:
      return meaning.upgrade === undefined ? '' : fields.lines(index, index + 1);
    case Kind.expect:
      return head.version === '1.1' ? undefined : '';
    case Kind.maxForwards:
      // Named by Connection it ends here like any other field (rule 19).
      if (meaning.maxForwards === undefined || meaning.connectionNames.has('max-forwards')) return undefined;
      return oneLess(fields.name(index), meaning.maxForwards);
    case Kind.cookie:
      return withoutCookies(fields, index, context.withheldCookies);
    case Kind.forwardedFor: // Written behind, as one list.
    case Kind.forwardedFor | ALIAS:
    case Kind.forwardedProto | ALIAS:
    case Kind.forwardedHost | ALIAS:
    case Kind.forwarded | ALIAS:
      return '';
    default:
      return undefined;
  }
}

function oneLess(name: string, maxForwards: number): string {
  if (maxForwards === 0)
    throw new Error('writeRequestHead: Max-Forwards: 0 is answered here and not sent on');
  return `${name}: ${maxForwards - 1}\r\n`;
}

/** The client's Connection has ended here; ours names what we send on of this hop (RFC 9110 §7.8, §10.1.4). */
function requestConnection({ upgrade, wantsTrailers }: RequestMeaning): string {
  if (wantsTrailers) return `TE: trailers\r\nConnection: ${upgrade === undefined ? 'TE' : 'upgrade, TE'}\r\n`;
  return upgrade === undefined ? '' : 'Connection: upgrade\r\n';
}

function forwardingLines(head: RequestHead, meaning: RequestMeaning, forwarding: Forwarding): string {
  const { trustChain, proto, host } = forwarding;
  if (!trustChain)
    return `X-Forwarded-For: ${forwarding.for}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${host}\r\n`;
  const { fields } = head;
  const keeps = (kind: number, lower: string): boolean =>
    fields.indexOf(kind) !== -1 && !meaning.connectionNames.has(lower);
  const earlier = keeps(Kind.forwardedFor, 'x-forwarded-for')
    ? fields.valuesOf(Kind.forwardedFor).filter((value) => value !== '')
    : [];
  return (
    `X-Forwarded-For: ${[...earlier, forwarding.for].join(', ')}\r\n` +
    (keeps(Kind.forwardedProto, 'x-forwarded-proto') ? '' : `X-Forwarded-Proto: ${proto}\r\n`) +
    (keeps(Kind.forwardedHost, 'x-forwarded-host') ? '' : `X-Forwarded-Host: ${host}\r\n`)
  );
}
