/** Tokens signed with keys of a pair: what the kind of a key allows, and every way to make it allow something else. */
/* oxlint-disable no-await-in-loop -- one row after the other, so that a failure names its row */
import { createHmac } from 'node:crypto';
import { UnsecuredJWT } from 'jose';
import { test } from 'tap';
import { keysAtHand } from '../../shared/auth/key-source.ts';
import { readPublicKeys } from '../../shared/auth/public-keys.ts';
import { signAgentToken } from '../../shared/auth/sign.ts';
import { createKeyPair, keyAlgorithms, readSigningKey } from '../../shared/auth/signing-key.ts';
import { createAgentVerifier, KeyVerifier } from '../../shared/auth/verifier.ts';
import type { TokenRules } from '../../shared/auth/verifier.ts';
import {
  agentType,
  good,
  jwkOf,
  keysOf,
  nowMs,
  nowSeconds,
  pairs,
  pemOf,
  sign,
  verdict,
} from './support/keys.ts';

const now = (): number => nowMs;

function verifierOf(text: string, rules: TokenRules = {}): KeyVerifier {
  return new KeyVerifier(
    keysAtHand(() => readPublicKeys(text)),
    { now, ...rules },
  );
}

function base64(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** HS256 with whatever bytes: jose itself would refuse some of them. */
function forge(head: object, secret: string | Buffer): string {
  const signed = `${base64({ typ: agentType, ...head })}.${base64(good)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

test('each kind of key takes its own algorithms', async (t) => {
  const rows = [
    ['rsa', 'RS256', 'shop'],
    ['rsa', 'PS256', 'shop'],
    ['rsa', 'RS512', '401 token_signature'],
    ['ec', 'ES256', 'shop'],
    ['ed', 'EdDSA', 'shop'],
    ['ed', 'Ed25519', 'shop'],
  ] as const;
  for (const [kind, alg, wanted] of rows) {
    const token = sign(pairs[kind].privateKey, { alg });
    t.equal(await verdict(verifierOf(pemOf(pairs[kind])).verify(await token)), wanted, `${kind} ${alg}`);
  }
});

for (const form of ['pem', 'jwk'] as const) {
  test(`a pair that was made as ${form} signs what its public half takes`, async (t) => {
    for (const algorithm of keyAlgorithms) {
      const { privateText, publicText, kid } = await createKeyPair(algorithm, form);
      const signingKey = readSigningKey(privateText);
      const token = await signAgentToken({ signingKey, backends: ['shop'], links: 3, ttlMs: 1_000, nowMs });
      const grant = await verifierOf(publicText).verify(token);
      t.match(grant, { backends: ['shop'], links: 3 }, algorithm);
      const head: unknown = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
      const alg = form === 'pem' && algorithm === 'PS256' ? 'RS256' : algorithm;
      t.strictSame(head, { alg, typ: agentType, ...(form === 'jwk' ? { kid } : {}) });
    }
  });
}

test('no token is taken that its key has not signed, whatever its head says', async (t) => {
  const { rsa, otherRsa, ec, ed } = pairs;
  const pem = pemOf(rsa);
  const der = rsa.publicKey.export({ format: 'der', type: 'spki' });
  const mine = await sign(rsa.privateKey, { alg: 'RS256' });
  const [head = '', claims = ''] = mine.split('.');
  const evil = { jwk: otherRsa.publicKey.export({ format: 'jwk' }) };
  const rows: readonly (readonly [title: string, token: string, verdict: string])[] = [
    ['its own', mine, 'shop'],
    ['HS256 with the PEM as its secret', forge({ alg: 'HS256' }, pem), '401 token_signature'],
    ['the same without its last line break', forge({ alg: 'HS256' }, pem.trimEnd()), '401 token_signature'],
    ['HS256 with the DER as its secret', forge({ alg: 'HS256' }, der), '401 token_signature'],
    [
      'HS256 with the modulus as its secret',
      forge({ alg: 'HS256' }, String(evil.jwk.n)),
      '401 token_signature',
    ],
    ['HS256 with an empty secret', forge({ alg: 'HS256' }, ''), '401 token_signature'],
    ['alg none', new UnsecuredJWT(good).encode(), '401 token_signature'],
    ['alg None', `${base64({ alg: 'None' })}.${base64(good)}.`, '401 token_signature'],
    ['no alg', `${base64({})}.${base64(good)}.`, '401 token_signature'],
    ['a stripped signature', `${head}.${claims}.`, '401 token_signature'],
    ['no third part', `${head}.${claims}`, '401 token_malformed'],
    ['another key of its kind', await sign(otherRsa.privateKey, { alg: 'RS256' }), '401 token_signature'],
    ['a key of another kind', await sign(ec.privateKey, { alg: 'ES256' }), '401 token_signature'],
    ['a key of a third kind', await sign(ed.privateKey, { alg: 'EdDSA' }), '401 token_signature'],
    [
      'a key that comes with the token (jwk)',
      await sign(otherRsa.privateKey, { alg: 'RS256', ...evil }),
      '401 token_signature',
    ],
    [
      'a set of keys that the token names (jku)',
      await sign(otherRsa.privateKey, { alg: 'RS256', jku: 'http://127.0.0.1:1/jwks' }),
      '401 token_signature',
    ],
    [
      'a certificate that comes with the token (x5c)',
      await sign(otherRsa.privateKey, { alg: 'RS256', x5c: ['MIIB'], x5u: 'http://127.0.0.1:1/' }),
      '401 token_signature',
    ],
    [
      'an extension that must be understood (crit)',
      `${base64({ alg: 'RS256', crit: ['x'], x: 1 })}.${base64(good)}.${mine.split('.')[2] ?? ''}`,
      '401 token_malformed',
    ],
    [
      'claims of another token under a good signature',
      `${head}.${base64({ ...good, backend: ['admin'] })}.${mine.split('.')[2] ?? ''}`,
      '401 token_signature',
    ],
  ];
  for (const [title, token, wanted] of rows)
    t.equal(await verdict(verifierOf(pem).verify(token)), wanted, title);
});

test("a token of a pair is none of the secret's, and the other way round", async (t) => {
  const secret = pemOf(pairs.rsa);
  const bySecret = createAgentVerifier({ secret, now });
  t.equal(
    await verdict(bySecret.verify(await sign(pairs.rsa.privateKey, { alg: 'RS256' }))),
    '401 token_signature',
  );
  const token = await signAgentToken({ secret, backends: ['shop'], ttlMs: 1_000, nowMs });
  t.equal(await verdict(bySecret.verify(token)), 'shop');
  t.equal(await verdict(verifierOf(secret).verify(token)), '401 token_signature');
});

test('among several keys the name decides, and without a name each is tried', async (t) => {
  const { rsa, otherRsa, ec } = pairs;
  const set = keysOf(jwkOf(rsa, { kid: 'a' }), jwkOf(otherRsa, { kid: 'b' }), jwkOf(ec, { kid: 'c' }));
  const verifier = new KeyVerifier(
    keysAtHand(() => set),
    { now },
  );
  const rows = [
    ['its own name', rsa, { alg: 'RS256', kid: 'a' }, 'shop'],
    ['the second', otherRsa, { alg: 'PS256', kid: 'b' }, 'shop'],
    ['the third', ec, { alg: 'ES256', kid: 'c' }, 'shop'],
    ['no name', otherRsa, { alg: 'RS256' }, 'shop'],
    ['the name of another key', rsa, { alg: 'RS256', kid: 'b' }, '401 token_signature'],
    ['the name of a key of another kind', rsa, { alg: 'RS256', kid: 'c' }, '401 token_signature'],
    ['a name that nobody has', rsa, { alg: 'RS256', kid: 'd' }, '401 token_key'],
    ['an empty name', rsa, { alg: 'RS256', kid: '' }, '401 token_key'],
  ] as const;
  for (const [title, { privateKey }, head, wanted] of rows)
    t.equal(await verdict(verifier.verify(await sign(privateKey, head))), wanted, title);
  const nameless = verifierOf(pemOf(rsa) + pemOf(ec));
  const named = await sign(ec.privateKey, { alg: 'ES256', kid: 'whatever' });
  t.equal(await verdict(nameless.verify(named)), 'shop', 'PEM has no names: who signed is what counts');
});

test("a JWK's own alg leaves only that", async (t) => {
  const verifier = new KeyVerifier(
    keysAtHand(() => keysOf(jwkOf(pairs.rsa, { alg: 'PS256' }))),
    { now },
  );
  t.equal(await verdict(verifier.verify(await sign(pairs.rsa.privateKey, { alg: 'PS256' }))), 'shop');
  t.equal(
    await verdict(verifier.verify(await sign(pairs.rsa.privateKey, { alg: 'RS256' }))),
    '401 token_signature',
  );
});

test('issuer, audience, clock and type are checked', async (t) => {
  const both = { issuer: 'https://id.example', audience: 'tunnel' };
  const right = { ...good, iss: both.issuer, aud: ['other', 'tunnel'] };
  const skew = { clockSkewMs: 30_000 };
  const rows: readonly (readonly [string, TokenRules, object, string | undefined, string])[] = [
    ['both right', both, right, agentType, 'shop'],
    ['another issuer', both, { ...right, iss: 'https://id.example/' }, agentType, '401 token_claims'],
    ['no issuer', both, { ...right, iss: undefined }, agentType, '401 token_claims'],
    ['another audience', both, { ...right, aud: 'other' }, agentType, '401 token_claims'],
    ['no audience', both, { ...right, aud: undefined }, agentType, '401 token_claims'],
    ['nothing asked of them', {}, good, agentType, 'shop'],
    ['a plain JWT where both are checked', both, right, 'JWT', 'shop'],
    ['one that says nothing', both, right, undefined, 'shop'],
    ['an access token', both, right, 'application/AT+JWT', 'shop'],
    ['a plain JWT where nothing is checked', {}, good, 'JWT', '401 token_type'],
    ['one that says nothing there', {}, good, undefined, '401 token_type'],
    ['a plain JWT where one is checked', { issuer: both.issuer }, right, 'JWT', '401 token_type'],
    ['a token made for something else', both, right, 'logout+jwt', '401 token_type'],
    ['a session of a client', both, right, 'inverting-proxy-session+jwt', '401 token_type'],
    ['expired within the skew', skew, { ...good, exp: nowSeconds - 29 }, agentType, 'shop'],
    ['expired beyond it', skew, { ...good, exp: nowSeconds - 31 }, agentType, '401 token_expired'],
    ['not yet, within the skew', skew, { ...good, nbf: nowSeconds + 29 }, agentType, 'shop'],
    ['not yet, beyond it', skew, { ...good, nbf: nowSeconds + 31 }, agentType, '401 token_not_yet'],
  ];
  for (const [title, rules, claims, typ, wanted] of rows) {
    const token = await sign(pairs.ed.privateKey, { alg: 'EdDSA', typ }, { ...claims });
    t.equal(await verdict(verifierOf(pemOf(pairs.ed), rules).verify(token)), wanted, title);
  }
  const token = await sign(pairs.ed.privateKey, { alg: 'EdDSA' });
  const { expiresAtMs } = await verifierOf(pemOf(pairs.ed), skew).verify(token);
  t.equal(expiresAtMs, (good.exp + 30) * 1_000, 'a link lives as long as its token is taken');
});
