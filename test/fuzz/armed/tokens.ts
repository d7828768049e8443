/**
 * Tokens as nobody's library makes them: signed with the right key or not, their head and claims of every type. Made by
 * node:crypto alone, since a library would refuse most of them.
 */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Random } from '../random.ts';
import { fieldText, jsonText, mutated, oddObject, oddValue } from './values.ts';

export interface Signer {
  readonly head: Readonly<Record<string, unknown>>;
  sign(text: string): string;
}

export function ecPair(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

export function ecSigner(key: KeyObject, kid?: string): Signer {
  return {
    head: { alg: 'ES256', ...(kid === undefined ? {} : { kid }) },
    sign: (text) =>
      sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
  };
}

export function secretSigner(secret: string): Signer {
  return {
    head: { alg: 'HS256' },
    sign: (text) => createHmac('sha256', secret).update(text).digest('base64url'),
  };
}

function part(text: string): string {
  return Buffer.from(text).toString('base64url');
}

export function honestToken(signer: Signer, claims: object, head: object = {}): string {
  const text = `${part(JSON.stringify({ ...signer.head, ...head }))}.${part(JSON.stringify(claims))}`;
  return `${text}.${signer.sign(text)}`;
}

const algorithms = [
  'none',
  'HS256',
  'RS256',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
  'Ed25519',
  'dir',
  'RSA-OAEP',
  '',
];
const types = [
  'JWT',
  'at+jwt',
  'logout+jwt',
  'inverting-proxy-agent+jwt',
  'inverting-proxy-assertion+jwt',
  'dpop+jwt',
  '',
];
const more: readonly Readonly<Record<string, unknown>>[] = [
  { b64: false, crit: ['b64'] },
  { crit: ['exp'], exp: 1 },
  { crit: [] },
  { jwk: { kty: 'oct', k: 'AAAA' } },
  { x5c: ['AAAA'] },
  { zip: 'DEF' },
  { enc: 'A256GCM' },
];

const pairs: readonly Readonly<Record<string, unknown>>[] = [
  { alg: 'ES256', kid: 'odd-1' },
  { alg: 'RS256', kid: 'odd-2' },
  { alg: 'HS256', kid: 'odd-3' },
  { alg: 'EdDSA', kid: 'odd-4' },
  { alg: 'RS256', kid: '' },
];

function oddHead(random: Random, honest: object, kids: readonly string[]): object {
  const head: Record<string, unknown> = { ...honest };
  if (random.below(3) === 0) head['alg'] = random.below(4) === 0 ? oddValue(random) : random.pick(algorithms);
  if (random.below(3) === 0) head['kid'] = random.below(2) === 0 ? oddValue(random) : random.pick(kids);
  // In time with each other, so that the key is found and then is none.
  if (random.below(3) === 0) Object.assign(head, random.pick(pairs));
  if (random.below(3) === 0) head['typ'] = random.below(4) === 0 ? oddValue(random) : random.pick(types);
  if (random.below(4) === 0) Object.assign(head, random.pick(more));
  return head;
}

export interface TokenKind {
  readonly signers: readonly Signer[];
  readonly kids: readonly string[];
  claims(): Readonly<Record<string, unknown>>;
}

/** A token that is right in most of it. */
export function oddToken(random: Random, kind: TokenKind): string {
  const signer = random.pick(kind.signers);
  const head = random.below(2) === 0 ? signer.head : oddHead(random, signer.head, kind.kids);
  const claims = random.below(16) === 0 ? oddValue(random) : oddObject(random, kind.claims());
  const text = `${part(jsonText(random, head))}.${part(jsonText(random, claims))}`;
  switch (random.below(12)) {
    case 0:
      return `${text}.`;
    case 1:
      return mutated(random, `${text}.${signer.sign(text)}`);
    case 2:
      return `${text}.${fieldText(random)}`;
    case 3:
      return `${text}.${signer.sign(text)}.x.y`;
    default:
      return `${text}.${signer.sign(text)}`;
  }
}
