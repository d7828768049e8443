/**
 * What a head means, once its bytes have passed: `readRequest` (rules 11-25) and `readResponse` (rules 35-41). Each rule that needs
 * more than a line has a file of its own; the order in which they speak is decided here. Nothing is written and no body is read.
 */
import { readConnection, refuseFramingNames } from './connection.ts';
import type { ConnectionNames } from './connection.ts';
import type { Fields } from './fields.ts';
import { NO_BODY, readAnnouncedLength, readRequestFraming, readResponseFraming } from './framing.ts';
import type { Framing } from './framing.ts';
import { listElements, readDigits, secondWord } from './grammar.ts';
import type { RequestHead, ResponseHead } from './head.ts';
import { Kind } from './hop.ts';
import { readHost } from './host.ts';
import { Refusal } from './refusal.ts';
import type { Version } from './start-line.ts';
import { readTarget } from './target.ts';
import { offeredUpgrade, takesUpgrade } from './upgrade.ts';

export interface RequestOptions {
  /** The name this proxy puts into Via; meeting it there is a loop (rule 21). */
  readonly viaName: string;
  /** A sized body above this is refused at once; Infinity when absent. */
  readonly bodyBytes?: number;
}

export interface RequestMeaning {
  readonly framing: Framing;
  /** As routing compares it: lower case, no trailing dot, no port. */
  readonly host: string;
  /** The value of Host as sent. */
  readonly authority: string;
  /** The target up to its query, as sent. */
  readonly path: string;
  /** Origin-form or `*`, to be sent on. */
  readonly target: string;
  /** The Upgrade value to forward, when the request asks for an upgrade that counts. */
  readonly upgrade: string | undefined;
  /** Whether the client's connection persists behind this exchange, as far as the client says (rule 46). */
  readonly keepAlive: boolean;
  readonly wantsTrailers: boolean;
  readonly connectionNames: ConnectionNames;
  /** Of OPTIONS only, as received: 0 is to be answered here, more is written one less (rule 25). */
  readonly maxForwards: number | undefined;
}

/** What a response's meaning depends on. */
export interface RequestOfResponse {
  readonly method: string;
  readonly version: Version;
  /** What was offered to the backend, undefined when nothing was. */
  readonly upgrade?: string | undefined;
}

export interface ResponseMeaning {
  readonly framing: Framing;
  /** 1xx but 101: another head follows. */
  readonly interim: boolean;
  /** A valid 101: everything behind the head is raw. */
  readonly switching: boolean;
  /** Whether the backend's connection can be used again, as far as the head says. */
  readonly keepAlive: boolean;
  readonly connectionNames: ConnectionNames;
  /** The Content-Length to go on with the head: of a sized body, or announced without one (HEAD, 304). */
  readonly contentLength: number | undefined;
}

/** Throws a Refusal. */
export function readRequest(head: RequestHead, options: RequestOptions): RequestMeaning {
  const { fields, method, version } = head;
  if (method === 'CONNECT') throw new Refusal('connect', 'request');
  if (method === 'TRACE') throw new Refusal('trace', 'request');
  const authority = readAuthority(fields);
  const host = readHost(authority);
  if (host === undefined) throw new Refusal('host_value', 'request');
  const { target, path } = readTarget(head.target, method, authority);
  const connectionNames = readConnection(fields, 'request');
  refuseFramingNames(connectionNames);
  const framing = readRequestFraming(fields, version, options.bodyBytes ?? Infinity);
  if (fields.holds(Kind.expect)) refuseExpectations(fields);
  if (fields.holds(Kind.via)) refuseLoop(fields, options.viaName);
  return {
    framing,
    host,
    authority,
    path,
    target,
    upgrade: offeredUpgrade(fields, version, connectionNames, framing),
    keepAlive: version === '1.1' && !connectionNames.has('close'),
    wantsTrailers: version === '1.1' && fields.holds(Kind.te) && acceptsTrailers(fields),
    connectionNames,
    maxForwards: method === 'OPTIONS' ? readMaxForwards(fields) : undefined,
  };
}

/** Throws a Refusal; every one of them is a 502. */
export function readResponse(head: ResponseHead, request: RequestOfResponse): ResponseMeaning {
  const { fields, status, version } = head;
  const connectionNames = readConnection(fields, 'response');
  const persists = version === '1.1' && !connectionNames.has('close');
  const interim = status < 200 && status !== 101;
  const switching = status === 101;
  if (switching && !takesUpgrade(fields, connectionNames, request.upgrade))
    throw new Refusal('switching', 'response');
  if (status < 200 || status === 204) {
    return {
      framing: NO_BODY,
      interim,
      switching,
      keepAlive: persists && !switching,
      connectionNames,
      contentLength: undefined,
    };
  }
  const bodyless = status === 304 || request.method === 'HEAD';
  const framing = bodyless ? NO_BODY : readResponseFraming(fields, version);
  const contentLength = bodyless ? readAnnouncedLength(fields) : lengthOf(framing);
  return {
    framing,
    interim,
    switching,
    keepAlive: persists && framing.kind !== 'close',
    connectionNames,
    contentLength,
  };
}

function lengthOf(framing: Framing): number | undefined {
  return framing.kind === 'sized' ? framing.length : undefined;
}

/** Rule 12: exactly one Host line, in HTTP/1.0 too. */
function readAuthority(fields: Fields): string {
  const index = fields.indexOf(Kind.host);
  if (index === -1 || fields.indexOf(Kind.host, index + 1) !== -1) throw new Refusal('host_count', 'request');
  return fields.value(index);
}

/** Rule 22: one expectation exists (RFC 9110 §10.1.1). It goes on to the backend, whose 100 is relayed: nobody here waits for it. */
function refuseExpectations(fields: Fields): void {
  for (const value of fields.valuesOf(Kind.expect)) {
    if (value.toLowerCase() !== '100-continue') throw new Refusal('expect', 'request');
  }
}

/**
 * Rule 21. The name counts wherever a received-by can stand; a comma within a comment is taken for one between elements, so that an
 * open comment cannot hide what follows it.
 */
function refuseLoop(fields: Fields, viaName: string): void {
  const own = viaName.toLowerCase();
  for (const value of fields.valuesOf(Kind.via)) {
    for (const element of listElements(value)) {
      // received-protocol RWS received-by [ RWS comment ] (RFC 9110 §7.6.3)
      if (secondWord(element).toLowerCase() === own) throw new Refusal('loop', 'request');
    }
  }
}

/** RFC 9110 §10.1.4: `trailers` has no parameters. */
function acceptsTrailers(fields: Fields): boolean {
  return fields
    .valuesOf(Kind.te)
    .some((value) => listElements(value).some((element) => element.toLowerCase() === 'trailers'));
}

/** Rule 25. What is not one exact number is no limit and goes on as it came. */
function readMaxForwards(fields: Fields): number | undefined {
  const values = fields.valuesOf(Kind.maxForwards);
  const count = values.length === 1 ? readDigits(values[0]!) : undefined;
  return count === Infinity ? undefined : count;
}
