/**
 * Failed attempts of addresses to prove who they are: with an agent's token, with a password, at a sign-in. Who failed too
 * often within a while has to wait for the rest of it. Counted by rate-limiter-flexible, which is loaded with the first
 * failure; it would keep every address until its time is over, so how many it is given is bounded here.
 */
import { createRequire } from 'node:module';
import type * as Library from 'rate-limiter-flexible';
import { groupOf } from '../../shared/net/networks.ts';

export interface AttemptsOptions {
  /** Failures of one address (a /64 of IPv6) in one window. */
  readonly max: number;
  readonly windowMs: number;
  readonly maxAddresses?: number;
}

/** Some 600 bytes each with the library's timer, so 6 MB: then the longest quiet one is forgotten. */
const defaultMaxAddresses = 10_000;

export class Attempts {
  readonly #options: AttemptsOptions;
  /** Those the library knows, the one that failed last at the end. */
  readonly #known = new Set<string>();
  #limiter: Library.RateLimiterMemory | undefined;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#known.size;
  }

  /** For how many seconds the address has to wait; 0: it may try. At once where it has not failed. */
  waitSeconds(address: string): number | Promise<number> {
    if (this.#known.size === 0) return 0;
    const group = groupOf(address);
    return this.#known.has(group) ? this.#look(group) : 0;
  }

  /** The address has failed. @returns as `waitSeconds`, with this failure; nothing where they are not counted */
  async failed(address: string): Promise<number> {
    const { max, maxAddresses = defaultMaxAddresses } = this.#options;
    if (max === 0) return 0;
    const group = groupOf(address);
    // Set anew, it is the last in the order.
    this.#known.delete(group);
    this.#known.add(group);
    if (this.#known.size > maxAddresses) await this.#forgetOldest();
    this.#limiter ??= createLimiter(this.#options);
    const { consumedPoints, msBeforeNext } = await this.#limiter.penalty(group);
    return consumedPoints > max ? secondsOf(msBeforeNext) : 0;
  }

  async #forgetOldest(): Promise<void> {
    const [oldest = ''] = this.#known;
    this.#known.delete(oldest);
    await this.#limiter?.delete(oldest);
  }

  async #look(group: string): Promise<number> {
    const counted = await this.#limiter?.get(group);
    if (counted === null || counted === undefined || counted.msBeforeNext <= 0) {
      this.#known.delete(group);
      return 0;
    }
    return counted.consumedPoints >= this.#options.max ? secondsOf(counted.msBeforeNext) : 0;
  }
}

function secondsOf(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1_000));
}

function createLimiter({ max, windowMs }: AttemptsOptions): Library.RateLimiterMemory {
  // This file alone: the whole of it, with all its databases, takes 11 MB.
  const Limiter: typeof Library.RateLimiterMemory = createRequire(import.meta.url)(
    'rate-limiter-flexible/lib/RateLimiterMemory.js',
  );
  return new Limiter({ points: max, duration: windowMs / 1_000 });
}
