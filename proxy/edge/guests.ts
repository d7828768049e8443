/**
 * Who is connected, and how many may be: in all, and from one address (of IPv6 from one /64), so that one alone cannot
 * keep the others out. The counts derive from what is kept here. It closes nothing.
 */
import type { SweptConnection } from './context.ts';
import { groupOf } from '../../shared/net/networks.ts';
import type { Networks } from '../../shared/net/networks.ts';

export interface GuestLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

export type GuestRefusal = 'too_many_connections' | 'too_many_connections_of_address';

export class Guests {
  readonly #limits: GuestLimits;
  /** Balancers and proxies before us: they bring the connections of many. */
  readonly #exempt: Networks;
  /** Each with the group it counts for; none for the exempt. */
  readonly #groups = new Map<SweptConnection, string | undefined>();
  readonly #counts = new Map<string, number>();

  constructor(limits: GuestLimits, exempt: Networks) {
    this.#limits = limits;
    this.#exempt = exempt;
  }

  get size(): number {
    return this.#groups.size;
  }

  connections(): IterableIterator<SweptConnection> {
    return this.#groups.keys();
  }

  /** Why one more from there is not let in; undefined: it is. */
  refusalOf(address: string): GuestRefusal | undefined {
    if (this.size >= this.#limits.maxConnections) return 'too_many_connections';
    const group = this.#groupOf(address);
    const count = group === undefined ? 0 : (this.#counts.get(group) ?? 0);
    return count >= this.#limits.maxConnectionsPerAddress ? 'too_many_connections_of_address' : undefined;
  }

  /** Again with another address: it is counted there. */
  add(connection: SweptConnection, address: string): void {
    this.remove(connection);
    const group = this.#groupOf(address);
    this.#groups.set(connection, group);
    if (group !== undefined) this.#counts.set(group, (this.#counts.get(group) ?? 0) + 1);
  }

  /** The same connection in its next form; one that is over has none. */
  replace(before: SweptConnection, after: SweptConnection): void {
    if (!this.#groups.has(before)) return;
    this.#groups.set(after, this.#groups.get(before));
    this.#groups.delete(before);
  }

  /** Idempotent. */
  remove(connection: SweptConnection): void {
    const group = this.#groups.get(connection);
    if (!this.#groups.delete(connection) || group === undefined) return;
    const count = (this.#counts.get(group) ?? 0) - 1;
    if (count > 0) this.#counts.set(group, count);
    else this.#counts.delete(group);
  }

  #groupOf(address: string): string | undefined {
    return this.#exempt.covers(address) ? undefined : groupOf(address);
  }
}
