/**
 * Says to a backend, signed by the proxy, who the user of a request is, so that it need not trust whoever can reach it. One
 * key signs; more can be published beside it, that were used before or will be.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, SignJWT } from 'jose';
import { algorithmsOf } from './algorithms.ts';
import type { Algorithm } from './algorithms.ts';
import { KeyError } from './key-error.ts';
import { readPemBlocks } from './pem.ts';
import type { PemBlock } from './pem.ts';
import { importKey } from './public-keys.ts';
import { readSigningKey } from './signing-key.ts';
import type { SigningKey } from './signing-key.ts';

/** What its head says it is (RFC 8725 §3.11): no token that lets anybody in anywhere. */
export const assertionType = 'inverting-proxy-assertion+jwt';

/** How long it is good: a request on its way through queues, and a clock that is a little off. */
export const assertionLifeMs = 2 * 60_000;

export interface Assertion {
  /** The proxy's public URL. */
  readonly issuer: string;
  /** The backend's id. */
  readonly audience: string;
  readonly subject: string;
  /** Where the subject is somebody: the identity provider, or `basic`. */
  readonly identityProvider: string;
  readonly email: string | undefined;
  readonly groups: readonly string[];
  /** The wall clock in ms since 1970. */
  readonly nowMs: number;
}

/** A public key as it is published (RFC 7517). */
export interface PublishedKey {
  readonly kid: string;
  readonly jwk: Readonly<Record<string, unknown>>;
}

export interface AssertionKeys {
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
  readonly kid: string;
  /** The one that signs first. */
  readonly published: readonly PublishedKey[];
}

/** Two to come and two that were are more than a rotation needs. */
const maxKeys = 8;

/** ES256: every library knows it, and its signatures are short. */
export function createAssertionKeys(): Promise<AssertionKeys> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return publish({ key: privateKey, algorithm: 'ES256', kid: undefined }, []);
}

/**
 * The keys of a file: the first private one signs, and the public halves of all of them are published.
 *
 * @throws KeyError that follows the file's name, at once
 */
export function readAssertionKeys(text: string): Promise<AssertionKeys> {
  const signing = readSigningKey(text);
  const blocks = readPemBlocks(text).filter(({ label }) => label.endsWith('KEY'));
  if (blocks.length > maxKeys) throw new KeyError(`holds ${blocks.length} keys: give at most ${maxKeys}`);
  return publish(signing, blocks.map(readPublic));
}

interface PublicKey {
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
}

function readPublic({ label, text }: PemBlock): PublicKey {
  try {
    const read = (): KeyObject =>
      createPublicKey(label.endsWith('PRIVATE KEY') ? createPrivateKey(text) : text);
    const key = importKey(read);
    return { key, algorithm: firstOf(algorithmsOf(key)) };
  } catch (error) {
    throw error instanceof KeyError ? new KeyError(`holds what ${error.message}`) : error;
  }
}

function firstOf(algorithms: readonly Algorithm[]): Algorithm {
  const [algorithm] = algorithms;
  if (algorithm === undefined) throw new Error('a key without an algorithm');
  return algorithm;
}

async function publish(signing: SigningKey, others: readonly PublicKey[]): Promise<AssertionKeys> {
  const own = await describe({ ...signing, key: createPublicKey(signing.key) }, signing.kid);
  const published = [own, ...(await Promise.all(others.map((other) => describe(other))))];
  const isFirst = ({ kid }: PublishedKey, index: number): boolean =>
    published.findIndex((key) => key.kid === kid) === index;
  return {
    key: signing.key,
    algorithm: signing.algorithm,
    kid: own.kid,
    published: published.filter(isFirst),
  };
}

async function describe({ key, algorithm }: PublicKey, name?: string): Promise<PublishedKey> {
  const jwk = key.export({ format: 'jwk' });
  const kid = name ?? (await calculateJwkThumbprint(jwk));
  return { kid, jwk: { ...jwk, kid, alg: algorithm, use: 'sig' } };
}

/** Its times are whole seconds: `exp` is never later than the life says. */
export function signAssertion({ key, algorithm, kid }: AssertionKeys, assertion: Assertion): Promise<string> {
  const { issuer, audience, subject, identityProvider, email, groups, nowMs } = assertion;
  const issuedAt = Math.floor(nowMs / 1_000);
  const claims = {
    iss: issuer,
    aud: audience,
    sub: subject,
    identity_provider: identityProvider,
    ...(email === undefined ? {} : { email }),
    groups,
    iat: issuedAt,
    exp: issuedAt + assertionLifeMs / 1_000,
    jti: randomUUID(),
  };
  return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid, typ: assertionType }).sign(key);
}
