/** Pairs of keys of every kind, and tokens signed with them as any library would. */
import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { readPublicKeys } from '../../../shared/auth/public-keys.ts';
import type { PublicKey } from '../../../shared/auth/public-keys.ts';

export interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** RSA keys take long to make: each kind once a process. */
export const pairs = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  otherRsa: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ed: generateKeyPairSync('ed25519'),
} satisfies Record<string, Pair>;

export function pemOf({ publicKey }: Pair): string {
  return publicKey.export({ format: 'pem', type: 'spki' }).toString();
}

export function jwkOf({ publicKey }: Pair, more: object = {}): object {
  return { ...publicKey.export({ format: 'jwk' }), ...more };
}

export function keysOf(...jwks: readonly object[]): readonly PublicKey[] {
  return readPublicKeys(JSON.stringify({ keys: jwks }));
}

export const nowMs = Date.parse('2026-11-24T12:00:00Z');
export const nowSeconds = nowMs / 1_000;
export const good = { backend: ['shop'], exp: nowSeconds + 60 };
export const agentType = 'inverting-proxy-agent+jwt';

/** A token with any claims and any head. */
export function sign(
  key: KeyObject | Uint8Array,
  head: { readonly alg: string } & Record<string, unknown>,
  claims: Record<string, unknown> = good,
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ typ: agentType, ...head }).sign(key);
}

/** `401 code`, or the backends it grants. */
export async function verdict(judged: Promise<{ readonly backends: readonly string[] }>): Promise<string> {
  try {
    return (await judged).backends.join(',');
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || !('answer' in error)) throw error;
    return `${JSON.stringify(error.answer).replaceAll(/[^0-9]/g, '')} ${String(error.code)}`;
  }
}
