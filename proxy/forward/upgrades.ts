/** The upgraded exchanges that are open: so that whoever stops can ask them to end. */
import type { StreamTunnel } from './tunnel.ts';

export interface OpenUpgrade {
  readonly tunnel: StreamTunnel;
  /** Ends it in order, where its protocol has a way to. */
  leave(reason: string): void;
}

export class Upgrades {
  readonly #open = new Set<OpenUpgrade>();

  get size(): number {
    return this.#open.size;
  }

  add(upgrade: OpenUpgrade): void {
    this.#open.add(upgrade);
  }

  /** Idempotent. */
  delete(upgrade: OpenUpgrade): void {
    this.#open.delete(upgrade);
  }

  /** All of them, or those of one tunnel. */
  leave(reason: string, tunnel?: StreamTunnel): void {
    for (const upgrade of this.#open) {
      if (tunnel === undefined || upgrade.tunnel === tunnel) upgrade.leave(reason);
    }
  }
}
