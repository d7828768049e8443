/**
 * Who may ask the admin listener, and how. With a token, whoever carries it; without one the listener is on loopback,
 * and then every web page a person of this machine looks at could ask it too: what a browser sends for a page, or under a
 * name that was made to point here (DNS rebinding), is refused. It knows no pages and no sockets.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { hostOf, isLoopback } from './loopback.ts';

export interface Asked {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

/** An answer other than the page. */
export interface Refused {
  readonly status: 400 | 401 | 403 | 405;
  /** One sentence, for people: nothing of the request is in it. */
  readonly sentence: string;
  readonly headers: Readonly<Record<string, string>>;
}

export class Doors {
  readonly #tokenDigest: Buffer | undefined;

  constructor(token: string | undefined) {
    this.#tokenDigest = token === undefined ? undefined : digestOf(token);
  }

  /** @param isOpen whether the page tells nothing and so needs no token; undefined: it may pass */
  refusalOf({ method, headers }: Asked, isOpen: boolean): Refused | undefined {
    if (this.#tokenDigest === undefined && !isOfThisMachine(headers)) {
      return refused(
        403,
        'This is for requests from this machine alone: ask localhost, and not from a web page.',
      );
    }
    if (!isOpen && !this.#hasToken(headers.authorization)) {
      return refused(401, 'A token is needed here: Authorization: Bearer TOKEN.', {
        'WWW-Authenticate': 'Bearer realm="admin"',
      });
    }
    if (method !== 'GET' && method !== 'HEAD') {
      return refused(405, 'There is nothing to do here but to look: ask with GET.', { Allow: 'GET, HEAD' });
    }
    const { 'content-length': length, 'transfer-encoding': coding } = headers;
    if (coding !== undefined || (length !== undefined && length !== '0')) {
      return refused(400, 'A request here has no body.');
    }
    return undefined;
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
function isOfThisMachine({ host, origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (host === undefined || !isLoopback(hostOf(host)) || origin !== undefined) return false;
  return site === undefined || site === 'none' || site === 'same-origin';
}

function refused(
  status: Refused['status'],
  sentence: string,
  headers: Readonly<Record<string, string>> = {},
): Refused {
  return { status, sentence, headers };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
