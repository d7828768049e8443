/**
 * Whether a password is somebody's, within bounds: few hashes are computed at once, few wait for that, of one address still
 * fewer, and what has been found out is known for a while. Who is nobody costs what somebody costs. It knows no file and no
 * field.
 */
import { hash as digestOf, randomBytes } from 'node:crypto';
import { groupOf } from '../../shared/net/networks.ts';
import { ExpiringMap } from './expiring-map.ts';
import type { PasswordHashes } from './htpasswd.ts';

/** `busy`: there are so many to be checked that it was not. */
export type PasswordVerdict = 'right' | 'wrong' | 'busy';

export type Compare = (password: string, hash: string) => Promise<boolean>;

/** Of the thread pool's four: files and names of hosts are looked up there too. */
const maxRunning = 2;
/** About two seconds of work at the usual cost: who would wait longer is better told to come back. */
const maxWaiting = 64;
/** Of one address (a /64 of IPv6): what it floods is not everybody's queue. */
const maxWaitingOfAddress = 8;
/** bcrypt looks at no byte behind these: a longer password would be as good as its beginning. */
export const maxPasswordBytes = 72;
/** Entries of a few hundred bytes. Those that are wrong have a map of their own: no flood drives out who is known. */
const maxKnown = 10_000;
const rightForMs = 10 * 60_000;
/** A program that tries the same again and again with what is wrong costs one hash in this time. */
const wrongForMs = 60_000;

export interface PasswordsOptions {
  readonly compare: Compare;
  readonly now?: (() => number) | undefined;
}

export class Passwords {
  readonly #compare: Compare;
  readonly #now: () => number;
  /** Of this run: what is remembered of a password is of no use without it. */
  readonly #key = randomBytes(32).toString('hex');
  readonly #right = new ExpiringMap<true>(maxKnown);
  readonly #wrong = new ExpiringMap<true>(maxKnown);
  /** The same password that comes again while it is checked, as from a browser with six connections. */
  readonly #checking = new Map<string, Promise<PasswordVerdict>>();
  readonly #ofAddress = new Map<string, number>();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor({ compare, now = () => performance.now() }: PasswordsOptions) {
    this.#compare = compare;
    this.#now = now;
  }

  /** What was found out before and holds still, if anything was. */
  known(hashes: PasswordHashes, name: string, password: string): PasswordVerdict | undefined {
    // Said of every name alike, so it tells nothing about any.
    if (Buffer.byteLength(password) > maxPasswordBytes || password.includes('\0')) return 'wrong';
    const key = this.#keyOf(hashes, name, password);
    const nowMs = this.#now();
    if (this.#right.get(key, nowMs) === true) return 'right';
    return this.#wrong.get(key, nowMs) === true ? 'wrong' : undefined;
  }

  /** At once where it is known. */
  check(
    hashes: PasswordHashes,
    name: string,
    password: string,
    address: string,
  ): PasswordVerdict | Promise<PasswordVerdict> {
    const before = this.known(hashes, name, password);
    if (before !== undefined) return before;
    const hash = hashes.get(name);
    const key = this.#keyOf(hashes, name, password);
    const running = this.#checking.get(key);
    if (running !== undefined) return running;
    const group = groupOf(address);
    const ofAddress = this.#ofAddress.get(group) ?? 0;
    if (ofAddress >= maxWaitingOfAddress || this.#checking.size >= maxRunning + maxWaiting) return 'busy';
    this.#ofAddress.set(group, ofAddress + 1);
    const checking = this.#find(hashes, name, password, hash).then((isRight) => {
      const [known, forMs] = isRight ? [this.#right, rightForMs] : [this.#wrong, wrongForMs];
      known.set(key, true, this.#now() + forMs);
      return isRight ? 'right' : 'wrong';
    });
    const verdict = checking.finally(() => {
      this.#checking.delete(key);
      const left = (this.#ofAddress.get(group) ?? 1) - 1;
      if (left === 0) this.#ofAddress.delete(group);
      else this.#ofAddress.set(group, left);
    });
    this.#checking.set(key, verdict);
    return verdict;
  }

  async #find(
    hashes: PasswordHashes,
    name: string,
    password: string,
    hash: string | undefined,
  ): Promise<boolean> {
    await this.#turn();
    try {
      const isEqual = await this.#compare(password, hash ?? this.#decoyFor(hashes, name));
      return isEqual && hash !== undefined;
    } finally {
      this.#running -= 1;
      this.#queue.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= maxRunning) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#running += 1;
  }

  /**
   * For a name that is nobody's the hash of somebody, always the same for the same name: where costs differ, they do so for
   * nobodies as for users, and no time tells who is there.
   */
  #decoyFor(hashes: PasswordHashes, name: string): string {
    const list = [...hashes.values()];
    const at = Number.parseInt(this.#digest([name]).slice(0, 8), 16) % list.length;
    return list[at] ?? '';
  }

  #keyOf(hashes: PasswordHashes, name: string, password: string): string {
    return this.#digest([name, password, hashes.get(name) ?? '']);
  }

  /** The key goes first and no digest leaves this object, so that none can be lengthened: an HMAC, which costs thirty times as much, adds nothing. */
  #digest(parts: readonly string[]): string {
    return digestOf('sha256', this.#key + JSON.stringify(parts), 'hex');
  }
}
