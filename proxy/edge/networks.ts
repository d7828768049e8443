/**
 * Addresses of clients: written one way, found in networks, and grouped by who holds them. It knows no sockets and no
 * header fields.
 */
import ipaddr from 'ipaddr.js';
import type { Network } from '../../shared/config/addresses.ts';

/** What a site or a household is given of IPv6 is a /64 at least: whoever holds one address there holds all of them. */
const groupPrefixLength = 64;

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** An IPv4 address that came over an IPv6 socket is IPv4 (RFC 4291 §2.5.5.2). Undefined: no address, or one with a port. */
function parse(text: string): Address | undefined {
  // Four parts are asked for: 1.2 and 0x7f.1 are addresses to ipaddr.js, and to nobody who writes a header field.
  if (text.includes(':') ? !ipaddr.IPv6.isValid(text) : !ipaddr.IPv4.isValidFourPartDecimal(text))
    return undefined;
  return ipaddr.process(text);
}

/** The address in its usual spelling; undefined where it is none. */
export function readAddress(text: string): string | undefined {
  return parse(text)?.toString();
}

/** Who is counted together: one IPv4 address, or a /64 of IPv6. */
export function groupOf(address: string): string {
  const parsed = parse(address);
  if (parsed === undefined || parsed.kind() === 'ipv4') return address;
  const masked = ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/${String(groupPrefixLength)}`);
  return `${masked.toString()}/${String(groupPrefixLength)}`;
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
      const earlier = readAddress(hop.trim());
      if (earlier === undefined) return origin;
      origin = earlier;
      if (!this.covers(origin)) return origin;
    }
    return origin;
  }
}
