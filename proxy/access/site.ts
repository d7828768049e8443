/**
 * The site a request was made to, as its browser sees it: scheme, host and port; where on it one may return to; and
 * whether another request comes from a page of it. It knows no session.
 */
import type { Exchange } from '../exchange.ts';

export interface Site {
  readonly isSecure: boolean;
  /** As in the browser's address, without a default port: `https://shop.example.com`. */
  readonly origin: string;
  /** As routing compares it: lower case, without port. */
  readonly host: string;
}

/**
 * @param publicUrl PUBLIC_URL: where it says https, TLS ends before the proxy, at somebody who need not be among
 * TRUSTED_PROXIES.
 */
export function siteOf({ client, meaning, request }: Exchange, publicUrl: string | undefined): Site {
  const said = client.isTrusted ? request.fields.get('x-forwarded-proto') : undefined;
  const proto = said?.split(',', 1)[0]?.trim().toLowerCase();
  // Some say it of WebSockets in their own word.
  const isSaid = proto === 'https' || proto === 'wss';
  const isSecure =
    client.isSecure || (proto === undefined ? publicUrl?.startsWith('https:') === true : isSaid);
  const scheme = isSecure ? 'https' : 'http';
  // Host has been judged: it holds neither user nor path.
  const origin = URL.parse(`${scheme}://${meaning.authority}`)?.origin ?? `${scheme}://${meaning.host}`;
  return { isSecure, origin, host: meaning.host };
}

/** Where one may be sent back to: a path of this site, whatever a browser makes of the text. Anything else is its root. */
export function readReturnPath(text: string | null | undefined): string {
  if (text === null || text === undefined || text.length > maxReturnLength) return '/';
  // One slash, and then no second one of either kind: two begin a host. Printable ASCII alone: browsers drop tabs and line
  // breaks from URLs, and take a backslash for a slash.
  if (text[0] !== '/' || text[1] === '/' || /[^!-[\]-~]/.test(text)) return '/';
  // What a browser makes of it must still be a path of the same place: `/.//evil.example` becomes `//evil.example`.
  const url = URL.parse(text, base);
  if (url === null || url.origin !== base || url.pathname.startsWith('//')) return '/';
  return text;
}

const base = 'https://this.invalid';
/** It is kept in a cookie. */
const maxReturnLength = 1_024;

/** Whether a request that can change something was made by a page of this site: browsers say it (Fetch §3.2, Fetch Metadata). */
export function isFromSite({ request }: Exchange, site: Site): boolean {
  const origins = request.fields.all('origin');
  if (origins.length > 0) return origins.length === 1 && origins[0] === site.origin;
  return request.fields.get('sec-fetch-site') === 'same-origin';
}

/** Whether a browser says that a page of another site made it. A program says nothing of pages. */
export function isFromOtherSite(exchange: Exchange, site: Site): boolean {
  const { fields } = exchange.request;
  const isOfPage = fields.all('origin').length > 0 || fields.get('sec-fetch-site') !== undefined;
  return isOfPage && !isFromSite(exchange, site);
}
