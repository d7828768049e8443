/**
 * Who may ask the admin listener, and how. With a token, whoever carries it; without one the listener is on loopback,
 * and then every web page a person of this machine looks at could ask it too: what a browser sends for a page, or under a
 * name that was made to point here (DNS rebinding), is refused. It knows no pages and no sockets.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { hostOf, isLoopback } from '../net/loopback.ts';

export interface Asked {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/** What is asked for, as far as it decides who may ask. */
export interface Door {
  /** It tells nothing and so needs no token. */
  readonly isOpen: boolean;
  /** What may be done here; other methods are refused by name. */
  readonly methods: readonly string[];
}

/** An answer other than the page. */
export interface Refused {
  readonly status: 400 | 401 | 403 | 405;
  readonly code: 'not_from_here' | 'no_token' | 'read_only' | 'method' | 'body';
  /** One sentence, for people: nothing of the request is in it. */
  readonly sentence: string;
  readonly headers: Readonly<Record<string, string>>;
}

const reading: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const withBody: ReadonlySet<string> = new Set(['POST', 'PUT']);

export class Doors {
  readonly #tokenDigest: Buffer | undefined;
  readonly #isLocal: boolean;

  /** @param isLocal the listener is on loopback: nobody reaches it by another name than that of this machine */
  constructor(token: string | undefined, isLocal: boolean) {
    this.#tokenDigest = token === undefined ? undefined : digestOf(token);
    this.#isLocal = isLocal;
  }

  /** Undefined: it may pass. */
  refusalOf({ method, headers }: Asked, { isOpen, methods }: Door): Refused | undefined {
    const isWrite = !reading.has(method) && methods.includes(method);
    // A token in a browser does not make its pages trustworthy: what changes something is no business of theirs at all.
    const mayAsk = isWrite
      ? this.#isNoPage(headers)
      : this.#tokenDigest !== undefined || isOfThisMachine(headers);
    if (!mayAsk) {
      return refused(
        403,
        'not_from_here',
        'This is for requests from this machine alone: ask localhost, and not from a web page.',
      );
    }
    if (isWrite && this.#tokenDigest === undefined) {
      return refused(403, 'read_only', 'Changes need a token: start this program with ADMIN_TOKEN.');
    }
    if (!isOpen && !this.#hasToken(headers.authorization)) {
      return refused(401, 'no_token', 'A token is needed here: Authorization: Bearer TOKEN.', {
        'WWW-Authenticate': 'Bearer realm="admin"',
      });
    }
    if (!methods.includes(method)) {
      const allowed = methods.join(', ');
      return refused(405, 'method', `What can be done here is: ${allowed}.`, { Allow: allowed });
    }
    const { 'content-length': length, 'transfer-encoding': coding } = headers;
    const hasBody = coding !== undefined || (length !== undefined && length !== '0');
    if (hasBody && !withBody.has(method)) return refused(400, 'body', 'A request here has no body.');
    return undefined;
  }

  /** Behind a name of its own, a listener beyond loopback is asked by that; a page says where it comes from anyway. */
  #isNoPage(headers: IncomingHttpHeaders): boolean {
    return this.#isLocal ? isOfThisMachine(headers) : isOfNoPage(headers);
  }

  #hasToken(authorization: string | undefined): boolean {
    if (this.#tokenDigest === undefined) return true;
    const scheme = 'bearer ';
    if (authorization?.slice(0, scheme.length).toLowerCase() !== scheme) return false;
    // Digests are of one length, and say nothing of how much of a guess was right.
    return timingSafeEqual(digestOf(authorization.slice(scheme.length).trim()), this.#tokenDigest);
  }
}

/** A person's own look is `none` in Sec-Fetch-Site, or comes from a page of this listener, which has none with scripts. */
function isOfThisMachine(headers: IncomingHttpHeaders): boolean {
  const { host } = headers;
  return host !== undefined && isLoopback(hostOf(host)) && isOfNoPage(headers);
}

function isOfNoPage({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  return origin === undefined && (site === undefined || site === 'none' || site === 'same-origin');
}

function refused(
  status: Refused['status'],
  code: Refused['code'],
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): Refused {
  return { status, code, sentence, headers };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
