/**
 * Sessions: who somebody is, sealed into one cookie that their browser keeps, so that any number of them costs no memory
 * and outlives a restart. What must not leave the proxy (refresh tokens) is in `session-memory`. A session is of one host
 * and of one provider and client: the cookie is nothing anywhere else.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Sealer } from '../../shared/auth/sealed.ts';
import type { User } from '../exchange.ts';
import { cookieName, onlyValue, setCookie } from './cookies.ts';
import type { Cookie } from './cookies.ts';
import type { Site } from './site.ts';

export interface Session {
  readonly id: string;
  readonly host: string;
  readonly user: User;
  /** Of the wall clock, in seconds since 1970: when it began, was last seen by us, and was last confirmed by the provider. */
  readonly beganAt: number;
  readonly seenAt: number;
  readonly confirmedAt: number;
}

export interface SessionsOptions {
  readonly sealer: Sealer;
  /** The provider's issuer, and our client id there. */
  readonly issuer: string;
  readonly clientId: string;
  /** Whether a rule asks for this group. */
  readonly isNamed: (group: string) => boolean;
  /** Absolute life, and life without a request. */
  readonly ttlMs: number;
  readonly idleTimeoutMs: number;
  /** The wall clock in ms since 1970. */
  readonly now: () => number;
}

/** Opened cookies that are kept, so that a page of a hundred pieces opens its cookie once. */
const maxOpened = 1_000;
/** Who it is, in JSON: a cookie is 4 KiB with its name and attributes (RFC 6265bis §5.6), and base64 makes 4 of 3. */
const maxUserBytes = 2_400;

export class Sessions {
  readonly #options: SessionsOptions;
  /** By cookie value, the one that was used last at the end. */
  readonly #opened = new Map<string, Session>();
  /** Stands for provider and client in the cookie: a URL would take the room of groups. */
  readonly #place: string;

  constructor(options: SessionsOptions) {
    this.#options = options;
    const place = JSON.stringify([options.issuer, options.clientId]);
    this.#place = createHash('sha256').update(place).digest('base64url').slice(0, 22);
  }

  begin(site: Site, user: User): Session {
    const now = this.#seconds();
    const times = { beganAt: now, seenAt: now, confirmedAt: now };
    return { id: randomUUID(), host: site.host, user: fitting(user, this.#options.isNamed), ...times };
  }

  /** The same session, seen now and perhaps confirmed to be of somebody who has changed. */
  renew(session: Session, confirmed?: { readonly user: User; readonly atSeconds: number }): Session {
    const seen = { ...session, seenAt: this.#seconds() };
    if (confirmed === undefined) return seen;
    const { user, atSeconds } = confirmed;
    return { ...seen, user: fitting(user, this.#options.isNamed), confirmedAt: atSeconds };
  }

  /** Whether its cookie should be set anew: before a tenth of the idle life has passed, nothing is gained. */
  isStale(session: Session): boolean {
    return (this.#seconds() - session.seenAt) * 10_000 >= this.#options.idleTimeoutMs;
  }

  /** The value of Set-Cookie for it. The browser forgets it when it is over. */
  async write(session: Session, { isSecure }: Site): Promise<string> {
    const { user, id, host, beganAt, seenAt, confirmedAt } = session;
    const { subject: s, email: e, groups: g } = user;
    const { ttlMs, sealer } = this.#options;
    const content = { v: 1, id, h: host, p: this.#place, s, e, g, b: beganAt, u: seenAt, c: confirmedAt };
    const leftSeconds = beganAt + ttlMs / 1000 - this.#seconds();
    return setCookie(sessionCookie(isSecure), await sealer.seal(content), leftSeconds, isSecure);
  }

  /** The session of a request; a promise only where its cookie has not been opened before. */
  read(cookies: readonly Cookie[], site: Site): Session | undefined | Promise<Session | undefined> {
    const value = onlyValue(cookies, sessionCookie(site.isSecure));
    if (value === undefined || value === '') return undefined;
    const known = this.#opened.get(value);
    if (known === undefined) return this.#open(value, site);
    if (!this.#isGood(known, site)) return undefined;
    this.#keep(value, known);
    return known;
  }

  async #open(value: string, site: Site): Promise<Session | undefined> {
    const content = await this.#options.sealer.open(value);
    const session = content === undefined ? undefined : this.#read(content);
    if (session === undefined || !this.#isGood(session, site)) return undefined;
    this.#keep(value, session);
    return session;
  }

  /** What was sealed is what was written, if perhaps by an older or newer proxy with the same secret. */
  #read(content: Readonly<Record<string, unknown>>): Session | undefined {
    const { v, id, h, p, s, e, g, b, u, c } = content;
    if (v !== 1 || p !== this.#place) return undefined;
    if (typeof id !== 'string' || typeof h !== 'string' || typeof s !== 'string') return undefined;
    if (typeof b !== 'number' || typeof u !== 'number' || typeof c !== 'number') return undefined;
    const email = typeof e === 'string' ? e : undefined;
    const groups = Array.isArray(g) ? g.filter((group) => typeof group === 'string') : [];
    const user = { subject: s, issuer: this.#options.issuer, email, groups };
    return { id, host: h, user, beganAt: b, seenAt: u, confirmedAt: c };
  }

  #keep(value: string, session: Session): void {
    this.#opened.delete(value);
    this.#opened.set(value, session);
    const [oldest] = this.#opened.keys();
    if (this.#opened.size > maxOpened && oldest !== undefined) this.#opened.delete(oldest);
  }

  #isGood({ host, beganAt, seenAt }: Session, site: Site): boolean {
    const { ttlMs, idleTimeoutMs } = this.#options;
    const nowMs = this.#options.now();
    return host === site.host && nowMs < beganAt * 1000 + ttlMs && nowMs < seenAt * 1000 + idleTimeoutMs;
  }

  #seconds(): number {
    return Math.floor(this.#options.now() / 1000);
  }
}

export function sessionCookie(isSecure: boolean): string {
  return cookieName('session', isSecure);
}

/**
 * With as many of the groups as the cookie has room for: those first that a rule names, then the others in their order.
 * What a rule does not name can only be told to backends.
 */
export function fitting(user: User, isNamed: (group: string) => boolean): User {
  const { subject, email, groups } = user;
  const isAll = bytesOf([subject, email, groups]) <= maxUserBytes;
  if (isAll) return user;
  let bytes = bytesOf([subject, email]);
  const kept = new Set<string>();
  for (const group of [...groups.filter(isNamed), ...groups]) {
    if (kept.has(group)) continue;
    bytes += bytesOf(group) + 1;
    if (bytes > maxUserBytes) break;
    kept.add(group);
  }
  return { ...user, groups: groups.filter((group) => kept.has(group)) };
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
