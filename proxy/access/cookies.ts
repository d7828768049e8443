/**
 * Cookies of the proxy itself (RFC 6265bis): their names, how they are found in a request, and how they are set. On https
 * they carry the prefix `__Host-`, with which no other host and no page without TLS can set them. It knows no content.
 */
import type { Fields } from '../../shared/http1/fields.ts';
import { withoutBlanks } from '../../shared/http1/grammar.ts';

const ourPrefix = 'inverting-proxy-';
const hostPrefix = '__Host-';

/** The name of a cookie as browsers see it. */
export function cookieName(name: string, isSecure: boolean): string {
  return `${isSecure ? hostPrefix : ''}${ourPrefix}${name}`;
}

export interface Cookie {
  readonly name: string;
  readonly value: string;
}

/** All cookies of a request that have names of ours, in order; names and values as sent. */
export function ourCookies(fields: Fields): readonly Cookie[] {
  const found: Cookie[] = [];
  for (const line of fields.all('cookie')) {
    if (!line.includes(ourPrefix)) continue;
    for (const pair of line.split(';')) {
      const equals = pair.indexOf('=');
      if (equals === -1) continue;
      const name = withoutBlanks(pair.slice(0, equals));
      const bare = name.startsWith(hostPrefix) ? name.slice(hostPrefix.length) : name;
      if (bare.startsWith(ourPrefix)) found.push({ name, value: withoutBlanks(pair.slice(equals + 1)) });
    }
  }
  return found;
}

/** The value of the one cookie of this name. Of two, one was set by somebody else, and nobody can tell which: neither is taken. */
export function onlyValue(cookies: readonly Cookie[], name: string): string | undefined {
  const named = cookies.filter((cookie) => cookie.name === name);
  return named.length === 1 ? named[0]?.value : undefined;
}

/** The value of Set-Cookie. The value is a JWE: characters that need no quoting. */
export function setCookie(name: string, value: string, maxAgeSeconds: number, isSecure: boolean): string {
  const life = `Max-Age=${String(Math.floor(maxAgeSeconds))}`;
  return `${name}=${value}; Path=/; ${life}; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
}

export function clearCookie(name: string, isSecure: boolean): string {
  return setCookie(name, '', 0, isSecure);
}
