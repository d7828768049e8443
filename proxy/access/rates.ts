/**
 * How many requests an address, a backend and a user may send: in a second, and at the same time. The proxy's own limits
 * are for everybody, those of a record for its backend alone, and each of them counts by itself. What an exchange holds of
 * them is given back in one place, when it is over, however it ended.
 */
import { createHash } from 'node:crypto';
import { Refusal } from '../../shared/http1/refusal.ts';
import { groupOf } from '../../shared/net/networks.ts';
import { failureAnswer, refusalAnswer } from '../answer.ts';
import type { Answer } from '../answer.ts';
import type { Exchange, ExchangeRecord, User } from '../exchange.ts';
import type { RecordLimits } from '../records/record.ts';
import { RateTable } from './rate-table.ts';
import type { Check, Verdict } from './visit.ts';

/** Undefined: no limit. */
export interface RateLimit {
  readonly perSecond?: number | undefined;
  readonly concurrent?: number | undefined;
}

/** For whom the proxy's own limits are. */
export interface RateLimits {
  readonly address: RateLimit;
  readonly backend: RateLimit;
  readonly user: RateLimit;
}

/** When one of those that run now will end, nobody knows. */
const concurrentRetrySeconds = 1;
/** Longer names of users are counted by their digest: what is kept of a key is bounded. */
const maxKeyLength = 256;

/** Counts for keys of one kind. */
class Meter {
  readonly #rates = new RateTable();
  /** Of those that run. */
  readonly #running = new Map<string, number>();

  /** Undefined: it may, and is counted as running where that is limited. */
  enter(key: string, { perSecond, concurrent }: RateLimit, nowMs: number): { seconds: number } | undefined {
    const running = concurrent === undefined ? 0 : (this.#running.get(key) ?? 0);
    if (concurrent !== undefined && running >= concurrent) return { seconds: concurrentRetrySeconds };
    const waitMs = perSecond === undefined ? 0 : this.#rates.take(key, perSecond, nowMs);
    if (waitMs > 0) return { seconds: Math.ceil(waitMs / 1_000) };
    if (concurrent !== undefined) this.#running.set(key, running + 1);
    return undefined;
  }

  leave(key: string): void {
    const left = (this.#running.get(key) ?? 1) - 1;
    if (left === 0) this.#running.delete(key);
    else this.#running.set(key, left);
  }

  get runningKeys(): number {
    return this.#running.size;
  }
}

interface Held {
  readonly meter: Meter;
  readonly key: string;
}

export class Rates {
  readonly #limits: RateLimits;
  readonly #nowMs: () => number;
  readonly #addresses = new Meter();
  readonly #backends = new Meter();
  readonly #users = new Meter();
  /** By record: addresses and users at one backend. */
  readonly #addressesOfBackends = new Meter();
  readonly #usersOfBackends = new Meter();
  /** What runs and has to be counted down again. */
  readonly #held = new Map<ExchangeRecord, Held[]>();

  constructor(limits: RateLimits, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
  }

  /** Exchanges of which something is counted, and keys that something is counted of. */
  get held(): { readonly exchanges: number; readonly keys: number } {
    const meters = [
      this.#addresses,
      this.#backends,
      this.#users,
      this.#addressesOfBackends,
      this.#usersOfBackends,
    ];
    return {
      exchanges: this.#held.size,
      keys: meters.reduce((sum, { runningKeys }) => sum + runningKeys, 0),
    };
  }

  /** A request has come, whatever it is for. Undefined: it may go on. */
  enter({ record }: Exchange): Answer | undefined {
    const { address } = this.#limits;
    if (isNone(address)) return undefined;
    return this.#enter(record, this.#addresses, groupOf(record.clientAddress), address);
  }

  /** Before anybody is asked who they are. */
  readonly atBackend: Check = ({ exchange, backendId, record }) => {
    const limits = record?.limits;
    if (limits === undefined) return undefined;
    let refused = this.#ofAddress(exchange, backendId, limits);
    if (limits.maxBodyBytes !== undefined) refused ??= limitBody(exchange, limits.maxBodyBytes);
    return refused;
  };

  /** Of those alone who may pass: whoever may not takes nothing from them. */
  readonly ofBackend: Check = ({ exchange, backendId, record }) => {
    const limits = record?.limits;
    const { backend: own } = this.#limits;
    if (limits === undefined && isNone(own)) return undefined;
    const backend = {
      perSecond: limits?.requestsPerSecond ?? own.perSecond,
      concurrent: limits?.concurrentRequests ?? own.concurrent,
    };
    return isNone(backend) ? undefined : this.#enter(exchange.record, this.#backends, backendId, backend);
  };

  /** When it is known who it is. */
  readonly ofUser: Check = ({ exchange, backendId, record, user }) => {
    if (user === undefined) return undefined;
    const { user: own } = this.#limits;
    const limit = {
      perSecond: record?.limits.requestsPerSecondPerUser,
      concurrent: record?.limits.concurrentRequestsPerUser,
    };
    let refused: Verdict;
    if (!isNone(own)) refused = this.#enter(exchange.record, this.#users, keyOf(user), own);
    if (!isNone(limit)) {
      const key = `${backendId} ${keyOf(user)}`;
      refused ??= this.#enter(exchange.record, this.#usersOfBackends, key, limit);
    }
    return refused;
  };

  /** The exchange is over, however that came. Idempotent. */
  release(record: ExchangeRecord): void {
    if (this.#held.size === 0) return;
    const held = this.#held.get(record);
    if (held === undefined) return;
    this.#held.delete(record);
    for (const { meter, key } of held) meter.leave(key);
  }

  #ofAddress({ record }: Exchange, backendId: string, limits: RecordLimits): Verdict {
    const limit = {
      perSecond: limits.requestsPerSecondPerAddress,
      concurrent: limits.concurrentRequestsPerAddress,
    };
    if (isNone(limit)) return undefined;
    const key = `${backendId} ${groupOf(record.clientAddress)}`;
    return this.#enter(record, this.#addressesOfBackends, key, limit);
  }

  #enter(record: ExchangeRecord, meter: Meter, key: string, limit: RateLimit): Verdict {
    const refused = meter.enter(key, limit, this.#nowMs());
    if (refused !== undefined) return tooMany(refused.seconds);
    if (limit.concurrent !== undefined) {
      const held = this.#held.get(record);
      if (held === undefined) this.#held.set(record, [{ meter, key }]);
      else held.push({ meter, key });
    }
    return undefined;
  }
}

/** @param seconds after which one more would not be too many */
export function tooMany(seconds: number): Answer {
  return { ...failureAnswer('too_many_requests'), retryAfterSeconds: seconds };
}

function isNone({ perSecond, concurrent }: RateLimit): boolean {
  return perSecond === undefined && concurrent === undefined;
}

function keyOf({ issuer, subject }: User): string {
  const key = `${issuer} ${subject}`;
  return key.length <= maxKeyLength ? key : createHash('sha256').update(key).digest('base64url');
}

/** A body whose length is known is refused before any of it is read, another one where it grows too large. */
function limitBody({ client, meaning }: Exchange, maxBytes: number): Verdict {
  const { framing } = meaning;
  if (framing.kind === 'sized' && framing.length > maxBytes) {
    return refusalAnswer(new Refusal('body_too_large', 'request'));
  }
  if (framing.kind === 'chunked') client.limitBody(maxBytes);
  return undefined;
}
