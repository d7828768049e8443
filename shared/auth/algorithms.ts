/**
 * Which algorithms a key allows. That follows from the kind of the key and from nothing a token says: so a public key
 * is never taken for a shared secret, and no token chooses a weaker way to be judged (RFC 8725 §3.1).
 */
import type { KeyObject } from 'node:crypto';
import { KeyError } from './key-error.ts';

export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'EdDSA' | 'Ed25519';

/** RFC 7518 §3.3: shorter RSA keys are not to be used. */
export const minRsaBits = 2_048;

/** The one that is signed with comes first. @throws KeyError where it is a kind that no token here is signed with */
export function algorithmsOf(key: KeyObject): readonly Algorithm[] {
  const { asymmetricKeyType: kind, asymmetricKeyDetails: details } = key;
  if (kind === 'rsa') {
    const bits = details?.modulusLength ?? 0;
    if (bits < minRsaBits)
      throw new KeyError(`is an RSA key of ${bits} bits: give one of at least ${minRsaBits}`);
    return ['RS256', 'PS256'];
  }
  if (kind === 'ec' && details?.namedCurve === 'prime256v1') return ['ES256'];
  // RFC 9864 §2.2 gives EdDSA with this curve a name of its own; both are in use.
  if (kind === 'ed25519') return ['EdDSA', 'Ed25519'];
  const what =
    kind === 'ec' ? `on the curve ${details?.namedCurve ?? '(unnamed)'}` : `of the kind ${kind ?? 'secret'}`;
  throw new KeyError(`is a key ${what}: give RSA, EC on P-256, or Ed25519`);
}

/** Those of them that a JWK's own `alg` leaves (RFC 7517 §4.4). @throws KeyError where it leaves none */
export function narrowAlgorithms(allowed: readonly Algorithm[], alg: unknown): readonly Algorithm[] {
  if (alg === undefined) return allowed;
  const left = allowed.filter((name) => name === alg);
  if (left.length > 0) return left;
  throw new KeyError(`is meant for another algorithm than ${allowed.join(' or ')}`);
}
