/**
 * Tokens and subjects that are let in no more, though their tokens are good. The door asks it, living links end by it,
 * the admin API changes it. It is in memory: a proxy that starts anew knows none. It knows no link and no socket.
 */
import { AuthError } from '../../shared/auth/auth-error.ts';

/** A token by its `jti`, or all tokens of a subject, those that are yet to be made too. */
export type Revoked = { readonly jti: string } | { readonly subject: string };

export type Revocation = Revoked & {
  /** On the wall clock: from then on it is as if it had never been; undefined: until it is lifted. */
  readonly untilMs: number | undefined;
};

/** Who holds a token, as far as it can be revoked. */
export interface Holder {
  readonly tokenId?: string | undefined;
  readonly subject?: string | undefined;
}

/** Two names of 256 characters each make it a few megabytes at the most. */
export const maxRevocations = 10_000;

export class Revocations {
  readonly #byKey = new Map<string, Revocation>();
  readonly #nowMs: () => number;
  readonly #max: number;
  #onRevoked: (() => void) | undefined;

  /** @param nowMs the wall clock */
  constructor(nowMs: () => number = Date.now, max = maxRevocations) {
    this.#nowMs = nowMs;
    this.#max = max;
  }

  /** Calls `onRevoked` whenever something has been revoked. One at a time. */
  watch(onRevoked: () => void): void {
    this.#onRevoked = onRevoked;
  }

  /**
   * From now on, and on living links at once. What is revoked already gets the new end. Undefined: there is no room, and
   * nothing is revoked rather than something silently let in again.
   */
  revoke(revoked: Revoked, untilMs?: number): Revocation | undefined {
    const key = keyOf(revoked);
    if (!this.#byKey.has(key) && this.#byKey.size >= this.#max) this.#dropExpired();
    if (!this.#byKey.has(key) && this.#byKey.size >= this.#max) return undefined;
    const revocation = { ...revoked, untilMs };
    this.#byKey.set(key, revocation);
    this.#onRevoked?.();
    return revocation;
  }

  /** False where it was not revoked. */
  lift(revoked: Revoked): boolean {
    return this.#byKey.delete(keyOf(revoked));
  }

  /** Those in force, in the order in which they were made. */
  list(): readonly Revocation[] {
    this.#dropExpired();
    return [...this.#byKey.values()];
  }

  covers({ tokenId, subject }: Holder): boolean {
    return (
      (tokenId !== undefined && this.#isInForce({ jti: tokenId })) ||
      (subject !== undefined && this.#isInForce({ subject }))
    );
  }

  /** @throws AuthError `token_revoked` */
  check(holder: Holder): void {
    if (this.covers(holder)) throw new AuthError('token_revoked', 'the token has been revoked');
  }

  #isInForce(revoked: Revoked): boolean {
    const found = this.#byKey.get(keyOf(revoked));
    return found !== undefined && !this.#isOver(found);
  }

  #isOver({ untilMs }: Revocation): boolean {
    return untilMs !== undefined && untilMs <= this.#nowMs();
  }

  #dropExpired(): void {
    for (const [key, revocation] of this.#byKey) if (this.#isOver(revocation)) this.#byKey.delete(key);
  }
}

function keyOf(revoked: Revoked): string {
  return 'jti' in revoked ? `jti ${revoked.jti}` : `subject ${revoked.subject}`;
}
