/** Assertions of who a user is: what is in them, which key signs them, and which keys are published. */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { test } from 'tap';
import { createAssertionKeys, readAssertionKeys, signAssertion } from '../../shared/auth/assertion.ts';
import type { Assertion, AssertionKeys } from '../../shared/auth/assertion.ts';
import { KeyError } from '../../shared/auth/key-error.ts';
import { createKeyPair } from '../../shared/auth/signing-key.ts';

const nowMs = 1_790_000_000_900;
const assertion: Assertion = {
  issuer: 'https://tunnel.example.com',
  audience: 'shop',
  subject: '248289761001',
  identityProvider: 'https://id.example.com',
  email: 'jörg@example.com',
  groups: ['staff', 'a,b'],
  nowMs,
};

function verify(keys: AssertionKeys, token: string, audience = 'shop') {
  const set = createLocalJWKSet({ keys: keys.published.map(({ jwk }) => ({ kty: '', ...jwk })) });
  return jwtVerify(token, set, {
    issuer: 'https://tunnel.example.com',
    audience,
    typ: 'inverting-proxy-assertion+jwt',
    currentDate: new Date(nowMs),
  });
}

test('what it says', async (t) => {
  const keys = await createAssertionKeys();
  const token = await signAssertion(keys, assertion);
  const { payload, protectedHeader } = await verify(keys, token);
  t.match(payload, { jti: /^[\da-f-]{36}$/ });
  t.strictSame(
    { ...payload, jti: '' },
    {
      iss: 'https://tunnel.example.com',
      aud: 'shop',
      sub: '248289761001',
      identity_provider: 'https://id.example.com',
      email: 'jörg@example.com',
      groups: ['staff', 'a,b'],
      iat: 1_790_000_000,
      exp: 1_790_000_120,
      jti: '',
    },
  );
  t.strictSame(protectedHeader, { alg: 'ES256', kid: keys.kid, typ: 'inverting-proxy-assertion+jwt' });
  await t.rejects(
    verify(keys, token, 'blog'),
    { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' },
    'it is for one backend',
  );
  await t.rejects(verify(await createAssertionKeys(), token), 'each run has its own key');
  const bare = await signAssertion(keys, { ...assertion, email: undefined, groups: [] });
  t.notOk('email' in (await verify(keys, bare)).payload);
});

test('every kind of key that `keygen` makes signs, and only its public half is published', async (t) => {
  for (const form of ['pem', 'jwk'] as const) {
    for (const algorithm of ['EdDSA', 'ES256', 'RS256'] as const) {
      const { privateText, kid } = await createKeyPair(algorithm, form);
      const keys = await readAssertionKeys(privateText);
      const token = await signAssertion(keys, assertion);
      t.equal((await verify(keys, token)).payload.sub, assertion.subject, `${algorithm} as ${form}`);
      t.strictSame(decodeProtectedHeader(token), {
        alg: algorithm,
        kid,
        typ: 'inverting-proxy-assertion+jwt',
      });
      t.equal(keys.published.length, 1);
      for (const { jwk } of keys.published) {
        t.match(jwk, { kid, alg: algorithm, use: 'sig' });
        for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) t.notOk(secret in jwk, secret);
      }
    }
  }
});

test('the first private key signs; those beside it, private or public, are published once each', async (t) => {
  const [a, b, c] = await Promise.all(
    ['ES256', 'EdDSA', 'ES256'].map((kind) => createKeyPair(kind === 'ES256' ? 'ES256' : 'EdDSA', 'pem')),
  );
  if (a === undefined || b === undefined || c === undefined) throw new Error('no keys');
  const keys = await readAssertionKeys(
    `${c.publicText}note\n${a.privateText}${b.privateText}${a.publicText}`,
  );
  t.equal(keys.kid, a.kid);
  t.strictSame(
    keys.published.map(({ kid }) => kid),
    [a.kid, c.kid, b.kid],
  );
  const before = await readAssertionKeys(b.privateText);
  t.equal(
    (await verify(keys, await signAssertion(before, assertion))).payload.aud,
    'shop',
    'of the key before',
  );
});

test('what is no key is refused at once', (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const publicPem = createPublicKey(privateKey).export({ format: 'pem', type: 'spki' }).toString();
  const locked = privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' });
  for (const text of [
    '',
    'x',
    publicPem,
    locked.toString(),
    pem.repeat(9),
    pem + publicPem.replace(/M/g, 'x'),
    '{"keys":[]}',
  ])
    t.throws(() => readAssertionKeys(text), KeyError);
  t.end();
});
