/**
 * Addresses of clients: written one way, found in networks, and grouped by who holds them. It knows no sockets and no
 * header fields.
 */
import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Network } from '../config/addresses.ts';

/** What a site or a household is given of IPv6 is a /64 at least: whoever holds one address there holds all of them. */
const groupPrefixLength = 64;

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** `::192.0.2.1` (RFC 4291 §2.5.5.1): used nowhere, and ipaddr.js takes it for the IPv4 address in it. */
const isIpv4Compatible = /^::[0-9]+\./;

/** An IPv4 address that came over an IPv6 socket is IPv4 (RFC 4291 §2.5.5.2). Undefined: no address, or one with a port. */
function parse(text: string): Address | undefined {
  // What is an address says node: to ipaddr.js 1.2, 0x7f.1 and ::ffff:0x7f.0.0.1 are some too.
  if (isIP(text) === 0 || isIpv4Compatible.test(text)) return undefined;
  // A zone (fe80::1%eth0) means something to this machine alone.
  const zoneAt = text.indexOf('%');
  return ipaddr.process(zoneAt === -1 ? text : text.slice(0, zoneAt));
}

/** The address in its usual spelling; undefined where it is none. */
export function readAddress(text: string): string | undefined {
  // IPv4 has one spelling only: node takes no zeros in front. Each connection comes by here.
  if (isIPv4(text)) return text;
  return parse(text)?.toString();
}

/** Who is counted together: one IPv4 address, or a /64 of IPv6. */
export function groupOf(address: string): string {
  if (isIPv4(address)) return address;
  const parsed = parse(address);
  if (parsed === undefined) return address;
  if (parsed.kind() === 'ipv4') return parsed.toString();
  const masked = ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${String(groupPrefixLength)}`);
  return `${masked.toString()}/${String(groupPrefixLength)}`;
}

/** An element of X-Forwarded-For: an address, of which some proxies also tell the port (`192.0.2.1:80`, `[2001:db8::1]:80`). */
function readHop(element: string): string | undefined {
  const text = element.trim();
  const bracketed = /^\[([^\]]*)\](?::[0-9]{1,5})?$/.exec(text)?.[1];
  if (bracketed !== undefined) return bracketed.includes(':') ? readAddress(bracketed) : undefined;
  const withPort = /^([0-9.]+):[0-9]{1,5}$/.exec(text)?.[1];
  return readAddress(withPort ?? text);
}

/** A set of networks; an empty one covers nothing. */
export class Networks {
  readonly #ranges: readonly [Address, number][];

  constructor(networks: readonly Network[]) {
    this.#ranges = networks.map(({ address, prefixLength }) => {
      const parsed = ipaddr.parse(address);
      if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress() && prefixLength >= 96) {
        return [parsed.toIPv4Address(), prefixLength - 96];
      }
      return [parsed, prefixLength];
    });
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0;
  }

  covers(address: string): boolean {
    if (this.isEmpty) return false;
    const parsed = parse(address);
    if (parsed === undefined) return false;
    return this.#ranges.some(
      ([range, length]) => range.kind() === parsed.kind() && parsed.match(range, length),
    );
  }

  /**
   * Who sent a request that came from `address` with this chain of X-Forwarded-For values: the last one in it that is
   * not of these networks, since each of these speaks the truth about whom it heard. What is no address ends the search.
   */
  originOf(address: string, chain: readonly string[]): string {
    let origin = address;
    if (!this.covers(origin)) return origin;
    const hops = chain.flatMap((value) => value.split(','));
    for (const hop of hops.toReversed()) {
      const earlier = readHop(hop);
      if (earlier === undefined) return origin;
      origin = earlier;
      if (!this.covers(origin)) return origin;
    }
    return origin;
  }
}
