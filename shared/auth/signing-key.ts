/** The private key that signs tokens: read from PEM or a JWK, or made. Its file is private; here it is only a value. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { algorithmsOf, minRsaBits, narrowAlgorithms } from './algorithms.ts';
import type { Algorithm } from './algorithms.ts';
import { KeyError } from './key-error.ts';
import { readPemBlocks } from './pem.ts';
import { importKey, isObject, parseJson } from './public-keys.ts';

export interface SigningKey {
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
  /** What a JWK calls itself. */
  readonly kid: string | undefined;
}

/** @throws KeyError that follows the file's name */
export function readSigningKey(text: string): SigningKey {
  if (text.trimStart().startsWith('{')) return readPrivateJwk(text);
  const block = readPemBlocks(text).find(({ label }) => label.endsWith('PRIVATE KEY'));
  if (block === undefined)
    throw new KeyError('holds no private key: give PEM (PRIVATE KEY) or a private JWK');
  // PKCS #8 says so in the label, PKCS #1 and SEC 1 in a header line.
  if (block.label.startsWith('ENCRYPTED') || block.text.includes('ENCRYPTED'))
    throw new KeyError('holds an encrypted private key: give it without a passphrase');
  const key = wrap(() => importKey(() => createPrivateKey(block.text)));
  return { key, algorithm: first(wrap(() => algorithmsOf(key))), kid: undefined };
}

function readPrivateJwk(text: string): SigningKey {
  const jwk = parseJson(text);
  if (!isObject(jwk) || !('d' in jwk)) throw new KeyError('holds no private JWK');
  const key = wrap(() => importKey(() => createPrivateKey({ key: jwk, format: 'jwk' })));
  const algorithms = wrap(() => narrowAlgorithms(algorithmsOf(key), jwk['alg']));
  const kid = typeof jwk['kid'] === 'string' ? jwk['kid'] : undefined;
  return { key, algorithm: first(algorithms), kid };
}

/** Kinds of keys by the algorithm they are for. */
export const keyAlgorithms = ['EdDSA', 'ES256', 'RS256', 'PS256'] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

export interface KeyPairTexts {
  readonly privateText: string;
  readonly publicText: string;
  /** In the JWKs; PEM has no place for it. */
  readonly kid: string;
}

/** A fresh pair as the texts of its two files. @param kid without it, the key's thumbprint (RFC 7638) */
export async function createKeyPair(
  algorithm: KeyAlgorithm,
  form: 'pem' | 'jwk',
  kid?: string,
): Promise<KeyPairTexts> {
  const privateKey = generate(algorithm);
  const publicKey = createPublicKey(privateKey);
  const name = kid ?? (await calculateJwkThumbprint(publicKey.export({ format: 'jwk' })));
  if (form === 'pem') {
    return {
      privateText: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      publicText: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
      kid: name,
    };
  }
  const write = (key: KeyObject): string =>
    `${JSON.stringify({ ...key.export({ format: 'jwk' }), kid: name, alg: algorithm, use: 'sig' }, undefined, 2)}\n`;
  return { privateText: write(privateKey), publicText: write(publicKey), kid: name };
}

function generate(algorithm: KeyAlgorithm): KeyObject {
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519').privateKey;
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  // A bit more than the least that is taken: such keys are made to stay for years (NIST SP 800-57).
  return generateKeyPairSync('rsa', { modulusLength: minRsaBits + 1_024 }).privateKey;
}

function first(algorithms: readonly Algorithm[]): Algorithm {
  const [algorithm] = algorithms;
  if (algorithm === undefined) throw new Error('a key without an algorithm');
  return algorithm;
}

function wrap<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof KeyError ? new KeyError(`holds what ${error.message}`) : error;
  }
}
