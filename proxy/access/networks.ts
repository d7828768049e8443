/** From where a backend may be used: the networks of its record, looked at before anybody is asked who they are. */
import { readNetwork } from '../../shared/config/addresses.ts';
import { Networks, readAddress } from '../../shared/net/networks.ts';
import type { BackendRecord } from '../records/record.ts';
import { denial } from './denials.ts';
import type { Check } from './visit.ts';

interface Borders {
  readonly allow: Networks;
  readonly deny: Networks;
}

/** Denied is denied, whatever is allowed beside it. The address is the client's own, also where trusted proxies stand before this one. */
export function createNetworksCheck(): Check {
  // A record is not changed: a new one takes its place.
  const known = new WeakMap<BackendRecord, Borders | undefined>();
  return ({ exchange, record }) => {
    if (record === undefined) return undefined;
    if (!known.has(record)) known.set(record, bordersOf(record));
    const borders = known.get(record);
    if (borders === undefined || isWithin(borders, exchange.record.clientAddress)) return undefined;
    return denial('network_denied');
  };
}

function isWithin({ allow, deny }: Borders, address: string): boolean {
  // What is no address is in no network, and so could be in none that is denied.
  if (readAddress(address) === undefined || deny.covers(address)) return false;
  return allow.isEmpty || allow.covers(address);
}

/** Undefined: from everywhere. */
function bordersOf({ networks }: BackendRecord): Borders | undefined {
  if (networks.allow.length + networks.deny.length === 0) return undefined;
  return { allow: read(networks.allow), deny: read(networks.deny) };
}

function read(texts: readonly string[]): Networks {
  return new Networks(
    texts.map((text) => {
      const network = readNetwork(text);
      // Left out, it would open what it is there to shut.
      if (network === undefined) throw new Error('a record with a network that is none');
      return network;
    }),
  );
}
