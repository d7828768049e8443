/**
 * Reads public keys as people keep them: PEM (SPKI, PKCS #1 or a certificate, of which only the key counts), a JWK or a
 * JWK set (RFC 7517). It knows neither where the text came from nor any token.
 */
import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { algorithmsOf, narrowAlgorithms } from './algorithms.ts';
import type { Algorithm } from './algorithms.ts';
import { KeyError } from './key-error.ts';
import { readPemBlocks } from './pem.ts';
import type { PemBlock } from './pem.ts';

export interface PublicKey {
  /** Undefined: it takes tokens whatever key they name. */
  readonly kid: string | undefined;
  readonly algorithms: readonly Algorithm[];
  readonly key: KeyObject;
}

/** A token without `kid` is tried with each of them; nobody rotates through more. */
export const maxKeys = 32;

const publicLabels = ['PUBLIC KEY', 'RSA PUBLIC KEY', 'CERTIFICATE'];

/** All the keys of a file, at least one. @throws KeyError that follows the file's name, as in `… holds a private key` */
export function readPublicKeys(text: string): readonly PublicKey[] {
  const keys = text.trimStart().startsWith('{')
    ? readJwks(parseJson(text), (error, place) => {
        throw new KeyError(`${place}, which ${error.message}`);
      })
    : readPemBlocks(text).map(readPem);
  if (keys.length === 0)
    throw new KeyError('holds no key: give PEM (PUBLIC KEY or CERTIFICATE), a JWK or a JWK set');
  if (keys.length > maxKeys) throw new KeyError(`holds ${keys.length} keys: give at most ${maxKeys}`);
  return keys;
}

/**
 * The keys of a JWK set, or the one that a JWK is. What is of no use is told to `onUnusable` and passed over.
 *
 * @throws KeyError where it is neither
 */
export function readJwks(
  value: unknown,
  onUnusable: (error: KeyError, place: string) => void,
): readonly PublicKey[] {
  if (!isObject(value)) throw new KeyError('is no JWK and no JWK set');
  const list: readonly unknown[] = 'keys' in value ? listOf(value['keys']) : [value];
  const keys: PublicKey[] = [];
  for (const [index, jwk] of list.entries()) {
    try {
      keys.push(readJwk(jwk));
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      onUnusable(error, 'keys' in value ? `holds key ${index + 1} of the set` : 'holds a key');
    }
  }
  return keys;
}

function readJwk(jwk: unknown): PublicKey {
  if (!isObject(jwk)) throw new KeyError('is no JWK');
  const { kty, kid, alg, use, key_ops: operations } = jwk;
  if (kty === 'oct') throw new KeyError('is a shared secret: give the public key of a pair');
  if ('d' in jwk) throw new KeyError('is a private key: keep that, and give its public half');
  if (kid !== undefined && typeof kid !== 'string') throw new KeyError('has a kid that is no text');
  if (use !== undefined && use !== 'sig') throw new KeyError('is not for signatures');
  if (operations !== undefined && !listOf(operations).includes('verify'))
    throw new KeyError('is not for verifying signatures');
  const key = importKey(() => createPublicKey({ key: jwk, format: 'jwk' }));
  return { kid, algorithms: narrowAlgorithms(algorithmsOf(key), alg), key };
}

function readPem({ label, text }: PemBlock): PublicKey {
  if (label.endsWith('PRIVATE KEY'))
    throw new KeyError('holds a private key: keep that, and give its public half');
  if (!publicLabels.includes(label))
    throw new KeyError(`holds a block that is none of ${publicLabels.join(', ')}: give only these`);
  try {
    const key = importKey(() => createPublicKey(text));
    return { kid: undefined, algorithms: algorithmsOf(key), key };
  } catch (error) {
    throw error instanceof KeyError ? new KeyError(`holds what ${error.message}`) : error;
  }
}

/** node:crypto speaks of bytes and offsets, which help nobody. */
export function importKey(read: () => KeyObject): KeyObject {
  try {
    return read();
  } catch {
    throw new KeyError('is malformed');
  }
}

/** @throws KeyError */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new KeyError('is not JSON, though it begins like it');
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
