/** Where a verifier finds the keys that may have signed a token: the secret, keys at hand, or those of a server. */
import { createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { PublicKey } from './public-keys.ts';
import { readSecret } from './secret.ts';

export interface VerificationKey {
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

export interface KeySource {
  /** What signs, as a sentence about a wrong signature names it. */
  readonly noun: string;
  /**
   * The keys a token that names this one may be signed with; none: nobody here knows such a key.
   *
   * @throws AuthError `keys_unavailable`
   */
  find(kid: string | undefined): Promise<readonly VerificationKey[]>;
}

export function secretSource(secret: string): KeySource {
  const key = { algorithms: ['HS256'], key: createSecretKey(readSecret(secret)) };
  return { noun: "this proxy's secret", find: async () => [key] };
}

export const keysNoun = "one of this proxy's keys";

/** Of keys that may be others the next time. */
export function keysAtHand(keys: () => readonly PublicKey[]): KeySource {
  return { noun: keysNoun, find: async (kid) => keysNamed(keys(), kid) };
}

/**
 * A token that names no key may be of any, and a key without a name takes tokens whatever they name: who signed is
 * what counts. Only a name against a name decides.
 */
export function keysNamed(keys: readonly PublicKey[], kid: string | undefined): readonly PublicKey[] {
  return keys.filter((key) => kid === undefined || key.kid === undefined || key.kid === kid);
}
