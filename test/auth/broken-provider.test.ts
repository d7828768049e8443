/**
 * An identity provider that says nonsense, in its metadata, its keys or its tokens: whatever it is, those who ask hear
 * a ProviderError, and nothing crashes the program.
 */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'tap';
import { IdentityProvider } from '../../shared/auth/identity-provider.ts';
import { ProviderError } from '../../shared/auth/provider-error.ts';
import { within } from '../e2e/support/deadline.ts';
import { listen } from '../e2e/support/listen.ts';

/** By path; where nothing stands, nothing is ever said. */
const answers = new Map<string, readonly [number, string]>();
const server = createServer((request, response) => {
  const [status, body] = answers.get(request.url ?? '') ?? [];
  if (status === undefined) return;
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
});

function say(path: string, body: unknown, status = 200): void {
  answers.set(path, [status, typeof body === 'string' ? body : JSON.stringify(body)]);
}

const metadataPath = '/.well-known/openid-configuration';

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

test('a provider that says nonsense', async (suite) => {
  const port = await listen(server);
  suite.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const issuer = `http://127.0.0.1:${port}`;
  const good = {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
    userinfo_endpoint: `${issuer}/me`,
    end_session_endpoint: `${issuer}/end`,
  };
  const strong = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const jwkOf = ({ publicKey }: typeof strong, kid: string): object => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
  });
  const keys = [jwkOf(strong, 'strong'), jwkOf(weak, 'weak')];

  const reset = (): void => {
    answers.clear();
    say(metadataPath, good);
    say('/keys', { keys });
    say('/token', {}, 404);
    say('/me', {}, 404);
  };
  const provider = (): IdentityProvider =>
    new IdentityProvider({
      issuer,
      clientId: 'proxy',
      clientSecret: undefined,
      scopes: ['openid'],
      audience: ['proxy'],
      claimNames: { email: 'email', groups: 'groups' },
    });
  const token = (kid: string, key = strong, more = {}): string => {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      aud: 'proxy',
      sub: 'alice',
      exp: nowSeconds + 60,
      iat: nowSeconds,
      ...more,
    };
    const text = `${part({ alg: 'RS256', kid })}.${part(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), key.privateKey).toString('base64url')}`;
  };
  const callback = new URL(`${issuer}/callback?code=x&state=s`);
  const transaction = { state: 's', nonce: 'n', verifier: 'v'.repeat(43) };
  const everything: readonly (readonly [string, (subject: IdentityProvider) => Promise<unknown>])[] = [
    ['begin', (subject) => subject.begin(`${issuer}/callback`)],
    ['finish', (subject) => subject.finish(callback, transaction)],
    ['refresh', (subject) => subject.refresh('r', 'alice')],
    ['verifyBearer', (subject) => subject.verifyBearer(token('strong'))],
    ['signOutUrl', (subject) => subject.signOutUrl('hint')],
  ];

  await suite.test('the honest one', async (t) => {
    reset();
    t.match(await provider().verifyBearer(token('strong')), { subject: 'alice' });
    t.ok((await provider().begin(`${issuer}/callback`)).url);
  });

  const wrong: readonly unknown[] = [
    '',
    '{',
    null,
    [],
    1,
    'https://elsewhere.example',
    'no URL',
    'http://',
    {},
    'javascript:alert(1)',
  ];
  for (const name of [...Object.keys(good), undefined]) {
    await suite.test(`metadata whose ${name ?? 'whole'} is none`, async (t) => {
      for (const value of wrong) {
        reset();
        say(metadataPath, name === undefined ? value : { ...good, [name]: value });
        for (const [what, ask] of everything) {
          const error: unknown = await ask(provider()).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          t.ok(
            error === undefined || error instanceof ProviderError,
            `${what} ${JSON.stringify(value)}: ${String(error)}`,
          );
        }
      }
    });
  }

  const answersOfToken: readonly unknown[] = [
    '',
    '{',
    null,
    [],
    1,
    {},
    { access_token: 1 },
    { access_token: 'a', token_type: 1 },
    { access_token: 'a', token_type: 'dpop' },
    { access_token: 'a', token_type: 'bearer', id_token: 'x.y.z' },
    { access_token: 'a', token_type: 'bearer', id_token: 1 },
    { access_token: 'a', token_type: 'bearer', id_token: token('strong', strong, { nonce: 'n', sub: 1 }) },
    { access_token: 'a', token_type: 'bearer', expires_in: 'x' },
    { access_token: 'a', token_type: 'bearer', id_token: token('strong', strong, { nonce: 'n' }) },
    { error: 1 },
    { error: { a: 1 } },
    { error: 'a\r\nb' },
  ];
  await suite.test('answers for tokens and userinfo', async (t) => {
    for (const status of [200, 400, 401, 302, 204]) {
      for (const value of answersOfToken) {
        for (const me of [
          undefined,
          null,
          [],
          1,
          '',
          { sub: 1 },
          { sub: 'bob' },
          { sub: 'alice', groups: 1 },
        ]) {
          reset();
          say('/token', status === 204 ? '' : value, status);
          if (me !== undefined) say('/me', me);
          for (const [what, ask] of everything.slice(1, 3)) {
            const error: unknown = await ask(provider()).then(
              () => undefined,
              (reason: unknown) => reason,
            );
            t.ok(
              error === undefined || error instanceof ProviderError,
              `${what} ${status} ${JSON.stringify(value)} ${JSON.stringify(me)}: ${String(error)}`,
            );
          }
        }
      }
    }
  });

  const sets: readonly (readonly [string, unknown])[] = [
    ['none', ''],
    ['no set', []],
    ['no keys', { keys: 1 }],
    ['keys that are none', { keys: [1, null, 'x'] }],
    ['a key without its numbers', { keys: [{ kty: 'RSA', kid: 'strong' }] }],
    ['a key with numbers that are none', { keys: [{ kty: 'RSA', kid: 'strong', n: '!', e: 1 }] }],
    ['a key that is too short', { keys: [jwkOf(weak, 'strong')] }],
    ['a shared secret', { keys: [{ kty: 'oct', kid: 'strong', k: 'AAAA' }] }],
    ['a private key', { keys: [{ ...weak.privateKey.export({ format: 'jwk' }), kid: 'strong' }] }],
    ['the same name twice', { keys: [jwkOf(strong, 'strong'), jwkOf(weak, 'strong')] }],
  ];
  for (const [what, set] of sets) {
    await suite.test(`keys: ${what}`, async (t) => {
      reset();
      say('/keys', set);
      for (const each of [token('strong'), token('strong', weak), token('weak', weak)])
        await t.rejects(provider().verifyBearer(each), ProviderError);
    });
  }

  const failures: readonly (readonly [string, () => void])[] = [
    ['is away', () => say('/keys', '', 500)],
    ['gives no JSON', () => say('/keys', 'no JSON')],
    ['gives no keys', () => say('/keys', { keys: 1 })],
    ['says nothing', () => answers.delete('/keys')],
  ];
  for (const [what, fail] of failures) {
    await suite.test(`a provider that ${what}: its old keys are used, and nobody waits`, async (t) => {
      reset();
      const subject = provider();
      await subject.verifyBearer(token('strong'));
      fail();
      const realNow = Date.now;
      // The age of keys goes by the wall clock.
      t.intercept(Date, 'now', { value: () => realNow() + 601_000 });
      const known = await within(2_000, () => 'a verdict', subject.verifyBearer(token('strong')));
      t.match(known, { subject: 'alice' });
    });
  }

  await suite.test('keys that are old are replaced behind that', async (t) => {
    reset();
    const subject = provider();
    await subject.verifyBearer(token('strong'));
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    say('/keys', { keys: [jwkOf(other, 'other')] });
    const realNow = Date.now;
    t.intercept(Date, 'now', { value: () => realNow() + 601_000 });
    t.match(await subject.verifyBearer(token('other', other)), { subject: 'alice' });
    await t.rejects(subject.verifyBearer(token('strong')), ProviderError);
  });

  await suite.test('a token that names a key which is too short', async (t) => {
    reset();
    await t.rejects(provider().verifyBearer(token('weak', weak)), ProviderError);
    const secret = JSON.stringify(jwkOf(strong, 'strong'));
    const text = `${part({ alg: 'HS256', kid: 'strong' })}.${part({ iss: issuer, aud: 'proxy', sub: 'a', exp: 9e9 })}`;
    const mac = createHmac('sha256', secret).update(text).digest('base64url');
    await t.rejects(provider().verifyBearer(`${text}.${mac}`), ProviderError);
  });
});
