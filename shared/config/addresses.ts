/** Names of the network: hosts to listen on, URLs, networks. */
import { isIP } from 'node:net';
import { hostOf, isLoopback } from '../net/loopback.ts';
import { readHostName } from '../protocol/grammar.ts';
import { scalar } from './format.ts';
import type { Format } from './format.ts';

/** A host name or an IP address, IPv6 with or without brackets; given back in lower case, without brackets. */
export function host(): Format<string> {
  return scalar({ kind: 'host', right: 'give a host name or an IP address, without port', parse: readHost });
}

/** A host name or address as `host()` takes it, or undefined. */
export function readHost(raw: string): string | undefined {
  const bare = raw.startsWith('[') && raw.endsWith(']') ? raw.slice(1, -1) : raw;
  if (isIP(bare) === 6) return bare.toLowerCase();
  return bare === raw ? readHostName(raw) : undefined;
}

/** An http or https URL of a whole site: no path, no query, no credentials. Given back without a slash at its end. */
export function siteUrl(): Format<string> {
  return scalar({
    kind: 'URL',
    right: 'give http:// or https:// and a host, without path, as in https://tunnel.example.com',
    show: hideCredentials,
    parse: (raw) => {
      const url = readUrl(raw);
      if (url === undefined || !/^https?:$/.test(url.protocol) || hasCredentials(url)) return undefined;
      return url.pathname === '/' && url.search === '' && url.hash === '' ? url.origin : undefined;
    },
  });
}

/** The URL of a server that is believed: https, or http on this machine alone. Given back as it was written. */
export function trustedUrl(): Format<string> {
  return scalar({
    kind: 'URL',
    right: 'give https:// and a host, with or without a path; http:// is taken for localhost alone',
    show: hideCredentials,
    parse: (raw) => {
      const url = readUrl(raw);
      if (url === undefined || hasCredentials(url) || url.hash !== '') return undefined;
      return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(hostOf(url.host)))
        ? raw
        : undefined;
    },
  });
}

export interface Network {
  readonly address: string;
  /** How many leading bits count. */
  readonly prefixLength: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** `10.0.0.0/8`, `fd00::/8`, or one address alone. */
export function network(): Format<Network> {
  return scalar({
    kind: 'network',
    right: 'give an address and a prefix length, as in 10.0.0.0/8',
    parse: readNetwork,
  });
}

export function readNetwork(raw: string): Network | undefined {
  const parts = /^([^/]+)(?:\/([0-9]{1,3}))?$/.exec(raw);
  const address = parts?.[1] ?? '';
  const version = isIP(address);
  if (version === 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  const prefixLength = parts?.[2] === undefined ? bits : Number(parts[2]);
  return prefixLength <= bits
    ? { address, prefixLength, family: version === 4 ? 'ipv4' : 'ipv6' }
    : undefined;
}

export function readUrl(raw: string): URL | undefined {
  return /^[\u0021-\u007e]{1,2048}$/.test(raw) ? (URL.parse(raw) ?? undefined) : undefined;
}

export function hasCredentials(url: URL): boolean {
  return url.username !== '' || url.password !== '';
}

/** A URL's text with whatever stands before an `@` hidden, also where the text is no URL. */
export function hideCredentials(raw: string): string {
  const at = raw.lastIndexOf('@');
  if (at < 0) return raw;
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(raw)?.[0] ?? '';
  return `${scheme}…@${raw.slice(at + 1)}`;
}
