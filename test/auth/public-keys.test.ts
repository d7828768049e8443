import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import { KeyError } from '../../shared/auth/key-error.ts';
import { readPublicKeys } from '../../shared/auth/public-keys.ts';
import { readSigningKey } from '../../shared/auth/signing-key.ts';
import { jwkOf, pairs, pemOf } from './support/keys.ts';

function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    return error.message;
  }
}

function summary(text: string): unknown {
  return outcome(() =>
    readPublicKeys(text).map(({ kid, algorithms }) => `${kid ?? '-'} ${algorithms.join('|')}`),
  );
}

test('public keys are read from PEM, a JWK and a set', (t) => {
  const { rsa, ec, ed } = pairs;
  const pkcs1 = rsa.publicKey.export({ format: 'pem', type: 'pkcs1' }).toString();
  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    ['SPKI', pemOf(rsa), ['- RS256|PS256']],
    ['PKCS #1', pkcs1, ['- RS256|PS256']],
    [
      'two blocks and words between them',
      `the first:\n${pemOf(ec)}the second:\n${pemOf(ed)}`,
      ['- ES256', '- EdDSA|Ed25519'],
    ],
    ['a JWK', JSON.stringify(jwkOf(ec, { kid: 'k' })), ['k ES256']],
    [
      'a set',
      JSON.stringify({ keys: [jwkOf(rsa, { alg: 'PS256', use: 'sig' }), jwkOf(ed)] }),
      ['- PS256', '- EdDSA|Ed25519'],
    ],
    ['one that may verify', JSON.stringify(jwkOf(ec, { key_ops: ['verify'] })), ['- ES256']],
  ];
  for (const [title, text, keys] of rows) t.strictSame(summary(text), keys, title);
  t.end();
});

test('a certificate gives its key, whatever else it says', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'keys-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  writeFileSync(key, pairs.ec.privateKey.export({ format: 'pem', type: 'pkcs8' }));
  execFileSync(
    'openssl',
    ['req', '-x509', '-key', key, '-out', certificate, '-days', '1', '-subj', '/CN=a'],
    {
      stdio: 'ignore',
    },
  );
  t.strictSame(summary(readFileSync(certificate, 'utf8')), ['- ES256']);
  t.end();
});

test('what is no public key of use is refused, and why is said', (t) => {
  const { rsa, ec, ed } = pairs;
  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const x25519 = generateKeyPairSync('x25519');
  const nothing = 'holds no key: give PEM (PUBLIC KEY or CERTIFICATE), a JWK or a JWK set';
  const jwk = (more: object): string => JSON.stringify(jwkOf(ec, more));
  const privatePem = ec.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const rows: readonly (readonly [string, string, string])[] = [
    ['nothing', '', nothing],
    ['noise', 'x', nothing],
    ['an empty set', '{"keys":[]}', nothing],
    ['a block without an end', pemOf(ec).slice(0, -10), nothing],
    ['broken JSON', '{', 'is not JSON, though it begins like it'],
    ['a private key', privatePem, 'holds a private key: keep that, and give its public half'],
    [
      'a private key behind a public one',
      pemOf(ec) + privatePem,
      'holds a private key: keep that, and give its public half',
    ],
    [
      'a private JWK',
      JSON.stringify(ed.privateKey.export({ format: 'jwk' })),
      'holds a key, which is a private key: keep that, and give its public half',
    ],
    [
      'a secret',
      JSON.stringify({ kty: 'oct', k: 'AAAA' }),
      'holds a key, which is a shared secret: give the public key of a pair',
    ],
    ['a broken key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', 'holds what is malformed'],
    ['a broken JWK', '{"kty":"EC"}', 'holds a key, which is malformed'],
    [
      'another block',
      '-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----',
      'holds a block that is none of PUBLIC KEY, RSA PUBLIC KEY, CERTIFICATE: give only these',
    ],
    ['short RSA', pemOf(short), 'holds what is an RSA key of 1024 bits: give one of at least 2048'],
    [
      'another curve',
      pemOf(p384),
      'holds what is a key on the curve secp384r1: give RSA, EC on P-256, or Ed25519',
    ],
    [
      'a key that signs nothing',
      pemOf(x25519),
      'holds what is a key of the kind x25519: give RSA, EC on P-256, or Ed25519',
    ],
    ['a key for encryption', jwk({ use: 'enc' }), 'holds a key, which is not for signatures'],
    [
      'a key for signing alone',
      jwk({ key_ops: ['sign'] }),
      'holds a key, which is not for verifying signatures',
    ],
    [
      'a key for another algorithm',
      jwk({ alg: 'RS256' }),
      'holds a key, which is meant for another algorithm than ES256',
    ],
    [
      'HS256 as the algorithm of a public key',
      JSON.stringify(jwkOf(rsa, { alg: 'HS256' })),
      'holds a key, which is meant for another algorithm than RS256 or PS256',
    ],
    [
      'a bad key in a set',
      JSON.stringify({ keys: [jwkOf(ec), 7] }),
      'holds key 2 of the set, which is no JWK',
    ],
    [
      '33 keys',
      JSON.stringify({ keys: Array.from({ length: 33 }, () => jwkOf(ec)) }),
      'holds 33 keys: give at most 32',
    ],
  ];
  for (const [title, text, message] of rows) t.equal(summary(text), message, title);
  t.end();
});

test('private keys are read from PEM and JWK, and what is none is refused', (t) => {
  const { rsa, ec, ed } = pairs;
  const pkcs8 = (key: typeof ec.privateKey): string =>
    key.export({ format: 'pem', type: 'pkcs8' }).toString();
  const locked = { cipher: 'aes-256-cbc', passphrase: 'x', format: 'pem' } as const;
  const rows: readonly (readonly [string, string, string])[] = [
    ['RSA', pkcs8(rsa.privateKey), 'RS256 -'],
    ['RSA, PKCS #1', rsa.privateKey.export({ format: 'pem', type: 'pkcs1' }).toString(), 'RS256 -'],
    ['EC, SEC 1', ec.privateKey.export({ format: 'pem', type: 'sec1' }).toString(), 'ES256 -'],
    ['Ed25519', pkcs8(ed.privateKey), 'EdDSA -'],
    [
      'a JWK',
      JSON.stringify({ ...rsa.privateKey.export({ format: 'jwk' }), alg: 'PS256', kid: 'k' }),
      'PS256 k',
    ],
    ['a public key', pemOf(ec), 'holds no private key: give PEM (PRIVATE KEY) or a private JWK'],
    ['a public JWK', JSON.stringify(jwkOf(ec)), 'holds no private JWK'],
    [
      'encrypted',
      rsa.privateKey.export({ ...locked, type: 'pkcs8' }).toString(),
      'holds an encrypted private key: give it without a passphrase',
    ],
    [
      'encrypted, PKCS #1',
      rsa.privateKey.export({ ...locked, type: 'pkcs1' }).toString(),
      'holds an encrypted private key: give it without a passphrase',
    ],
  ];
  for (const [title, text, wanted] of rows) {
    const said = outcome(() => {
      const { algorithm, kid } = readSigningKey(text);
      return `${algorithm} ${kid ?? '-'}`;
    });
    t.equal(said, wanted, title);
  }
  t.end();
});
