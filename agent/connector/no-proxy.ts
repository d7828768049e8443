/**
 * What NO_PROXY says: the hosts that are reached without the HTTP proxy. Names cover themselves and what is below them,
 * addresses may be given as blocks, and either may be bound to a port. It opens no socket and looks no name up.
 */
import { BlockList, isIP } from 'node:net';

export interface Destination {
  /** As a URL has it: IPv6 in brackets. */
  readonly hostname: string;
  readonly port: number;
}

/**
 * `example.com`, `.example.com` and `*.example.com` all cover the name and what is below it; `*` covers everything;
 * `10.0.0.0/8` and `fd00::/8` cover the addresses in them; `:8443` behind any of these covers that port only.
 */
export function isExcepted(destination: Destination, exceptions: readonly string[]): boolean {
  const host = unbracketed(destination.hostname.toLowerCase()).replace(/\.$/u, '');
  return exceptions.some((exception) => {
    const { pattern, port } = splitPort(exception.trim().toLowerCase());
    return (port === undefined || port === destination.port) && covers(pattern, host);
  });
}

function covers(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  const family = isIP(host);
  if (family !== 0) return coversAddress(pattern, host, family === 6 ? 'ipv6' : 'ipv4');
  const name = pattern.replace(/^\*?\./u, '').replace(/\.$/u, '');
  return name !== '' && (host === name || host.endsWith(`.${name}`));
}

/** Of the same family: an address never matches a name, nor the other family's blocks. */
function coversAddress(pattern: string, host: string, family: 'ipv4' | 'ipv6'): boolean {
  const slash = pattern.indexOf('/');
  const network = slash === -1 ? pattern : pattern.slice(0, slash);
  if (isIP(network) !== (family === 'ipv6' ? 6 : 4)) return false;
  const widest = family === 'ipv6' ? 128 : 32;
  const prefix = slash === -1 ? widest : readPrefix(pattern.slice(slash + 1));
  if (prefix === undefined || prefix > widest) return false;
  const block = new BlockList();
  block.addSubnet(network, prefix, family);
  return block.check(host, family);
}

function readPrefix(text: string): number | undefined {
  return /^[0-9]{1,3}$/u.test(text) ? Number(text) : undefined;
}

/** A colon is a port's only where it is the last of one, or stands behind a bracket: `::1` has none. */
function splitPort(text: string): { pattern: string; port: number | undefined } {
  const parts = /^(\[[^\]]*\]|[^:]*):([0-9]{1,5})$/u.exec(text);
  const pattern = unbracketed(parts?.[1] ?? text);
  return { pattern, port: parts === null ? undefined : Number(parts[2]) };
}

function unbracketed(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
