import { SignJWT, UnsecuredJWT } from 'jose';
import { test } from 'tap';
import { AuthError } from '../../shared/auth/auth-error.ts';
import { createSecret, minSecretBytes } from '../../shared/auth/secret.ts';
import { signAgentToken } from '../../shared/auth/sign.ts';
import { createAgentVerifier, readBearerToken } from '../../shared/auth/verifier.ts';

const secret = 'a secret of exactly 32 bytes: ok';
const nowMs = Date.parse('2026-11-24T12:00:00.500Z');
const nowSeconds = Math.floor(nowMs / 1000);
const verifier = createAgentVerifier({ secret, now: () => nowMs });

/** A token with any claims, signed well. */
function sign(claims: Record<string, unknown>, alg = 'HS256', key = secret): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(key));
}

function flip(token: string, part: number): string {
  const parts = token.split('.');
  const text = parts[part] ?? '';
  parts[part] = (text.startsWith('A') ? 'B' : 'A') + text.slice(1);
  return parts.join('.');
}

test('a token that was signed is verified, with all it grants', async (t) => {
  const order = {
    secret,
    backends: ['shop', 'blog'],
    hosts: ['*.Example.com'],
    paths: ['/api/'],
    ttlMs: 60_000,
    nowMs,
  };
  const token = await signAgentToken({ ...order, subject: 'shop-server-1' });
  const grant = await verifier.verify(token);
  t.match(grant, {
    backends: ['shop', 'blog'],
    hosts: ['*.example.com'],
    paths: ['/api'],
    expiresAtMs: (nowSeconds + 60) * 1000,
    subject: 'shop-server-1',
    tokenId: /^[0-9a-f-]{36}$/,
  });
  const other = await verifier.verify(await signAgentToken({ ...order, subject: 'shop-server-1' }));
  t.not(other.tokenId, grant.tokenId, 'each token has an id of its own');
});

test('a token that names neither hosts nor paths has none in its grant', async (t) => {
  const grant = await verifier.verify(await signAgentToken({ secret, backends: ['shop'], ttlMs: 1, nowMs }));
  t.strictSame(Object.keys(grant).toSorted(), ['backends', 'expiresAtMs', 'tokenId']);
  t.equal(grant.expiresAtMs, (nowSeconds + 1) * 1000, 'a part of a second counts as one');
});

test('one backend may be a text', async (t) => {
  t.strictSame((await verifier.verify(await sign({ backend: 'shop', exp: nowSeconds + 1 }))).backends, [
    'shop',
  ]);
});

test('what is no good token is refused with 401 and its reason', async (t) => {
  const good = { backend: ['shop'], exp: nowSeconds + 60 };
  const token = await sign(good);
  const [head, claims] = token.split('.');
  const rows: readonly (readonly [
    title: string,
    token: string | undefined,
    code: string,
    message: string,
  ])[] = [
    ['none', undefined, 'token_missing', 'a token is needed and none was sent'],
    ['empty', '', 'token_missing', 'a token is needed and none was sent'],
    ['noise', 'x', 'token_malformed', 'the token is not a JWT'],
    ['two parts', `${head}.${claims}`, 'token_malformed', 'the token is not a JWT'],
    ['five parts', 'a.b.c.d.e', 'token_malformed', 'the token is not a JWT'],
    ['a head of noise', `!.${claims}.x`, 'token_malformed', 'the token is not a JWT'],
    ['over 8 KiB', 'a'.repeat(8193), 'token_malformed', 'the token is too long to be one'],
    [
      'another secret',
      await sign(good, 'HS256', createSecret()),
      'token_signature',
      "the token is not signed with this proxy's secret",
    ],
    ['changed claims', flip(token, 1), 'token_signature', "the token is not signed with this proxy's secret"],
    [
      'changed signature',
      flip(token, 2),
      'token_signature',
      "the token is not signed with this proxy's secret",
    ],
    [
      'no signature',
      `${head}.${claims}.`,
      'token_signature',
      "the token is not signed with this proxy's secret",
    ],
    [
      'HS512 with our secret',
      await sign(good, 'HS512', secret.repeat(2)),
      'token_signature',
      'the token is not signed with HS256',
    ],
    ['alg none', new UnsecuredJWT(good).encode(), 'token_signature', 'the token is not signed with HS256'],
    [
      'expired',
      await sign({ ...good, exp: nowSeconds }),
      'token_expired',
      'the token has expired at 2026-11-24T12:00:00.000Z',
    ],
    [
      'expired long ago',
      await sign({ ...good, exp: -1e300 }),
      'token_expired',
      'the token has expired at -1e+300',
    ],
    [
      'not yet',
      await sign({ ...good, nbf: nowSeconds + 9 }),
      'token_not_yet',
      'the token is not valid before 2026-11-24T12:00:09.000Z',
    ],
    ['no exp', await sign({ backend: ['shop'] }), 'token_claims', "the token's claim exp is missing"],
    [
      'exp is a text',
      await sign({ ...good, exp: 'later' }),
      'token_claims',
      "the token's claim exp is not what it must be",
    ],
    [
      'exp beyond any clock',
      await sign({ ...good, exp: 1e300 }),
      'token_claims',
      "the token's claim exp is not a time in seconds",
    ],
    [
      'no backend',
      await sign({ exp: good.exp }),
      'token_claims',
      "the token's claim backend is not a list of 1 to 32 names",
    ],
    [
      'an empty list',
      await sign({ ...good, backend: [] }),
      'token_claims',
      "the token's claim backend is not a list of 1 to 32 names",
    ],
    [
      '33 backends',
      await sign({ ...good, backend: Array.from({ length: 33 }, () => 'a') }),
      'token_claims',
      "the token's claim backend is not a list of 1 to 32 names",
    ],
    [
      'a bad id',
      await sign({ ...good, backend: ['a b'] }),
      'token_claims',
      "the token's claim backend is not made of well-formed names",
    ],
    [
      'a number',
      await sign({ ...good, backend: 7 }),
      'token_claims',
      "the token's claim backend is not a list of 1 to 32 names",
    ],
    [
      'no hosts in hosts',
      await sign({ ...good, hosts: [] }),
      'token_claims',
      "the token's claim hosts is not a list of 1 to 32 names",
    ],
    [
      'hosts is a text',
      await sign({ ...good, hosts: '*' }),
      'token_claims',
      "the token's claim hosts is not a list of 1 to 32 names",
    ],
    [
      'hosts is null',
      await sign({ ...good, hosts: null }),
      'token_claims',
      "the token's claim hosts is not a list of 1 to 32 names",
    ],
    [
      'a bad host',
      await sign({ ...good, hosts: ['**'] }),
      'token_claims',
      "the token's claim hosts is not made of well-formed names",
    ],
    [
      'a bad path',
      await sign({ ...good, paths: ['api'] }),
      'token_claims',
      "the token's claim paths is not made of well-formed names",
    ],
    [
      'sub is a number',
      await sign({ ...good, sub: 7 }),
      'token_claims',
      "the token's claim sub is not a text of at most 256 characters",
    ],
    [
      'jti is too long',
      await sign({ ...good, jti: 'x'.repeat(257) }),
      'token_claims',
      "the token's claim jti is not a text of at most 256 characters",
    ],
  ];
  for (const [title, bad, code, message] of rows) {
    // oxlint-disable-next-line no-await-in-loop -- one row after the other, so that a failure names its row
    const error: unknown = await verifier.verify(bad).then(
      () => 'accepted',
      (reason: unknown) => reason,
    );
    const said =
      error instanceof AuthError ? `${error.answer.status} ${error.code}: ${error.message}` : error;
    t.equal(said, `401 ${code}: ${message}`, title);
  }
});

test('no reason shows the token, its claims or the secret', async (t) => {
  const token = await sign({ backend: ['a b'], exp: nowSeconds + 60, sub: 'somebody' });
  const error: unknown = await verifier.verify(token).catch((reason: unknown) => reason);
  for (const hidden of [token, 'a b', 'somebody', secret]) t.notMatch(String(error), hidden);
});

test('a secret has at least 32 bytes, and a fresh one is never the same', (t) => {
  t.throws(() => createAgentVerifier({ secret: 'x'.repeat(minSecretBytes - 1) }), {
    message: 'an agent secret has at least 32 bytes',
  });
  t.doesNotThrow(() => createAgentVerifier({ secret: 'é'.repeat(16) }), 'bytes are counted, not letters');
  t.match(createSecret(), /^[\w-]{43}$/);
  t.not(createSecret(), createSecret());
  t.end();
});

test('a token is not signed over names that no verifier takes, nor longer than one takes', async (t) => {
  const order = { secret, backends: ['shop'], ttlMs: 1000, nowMs };
  await t.rejects(signAgentToken({ ...order, backends: [] }), { code: 'token_claims' });
  await t.rejects(signAgentToken({ ...order, hosts: ['a..b'] }), { code: 'token_claims' });
  const paths = Array.from({ length: 32 }, (_, index) => `/${index}${'p'.repeat(250)}`);
  await t.rejects(signAgentToken({ ...order, paths }), { code: 'token_malformed' });
});

test('the token stands behind Bearer', (t) => {
  const rows: readonly (readonly [field: string | undefined, token: string | undefined])[] = [
    ['Bearer abc.def', 'abc.def'],
    ['bearer abc', 'abc'],
    ['BEARER   abc  ', 'abc'],
    [undefined, undefined],
    ['', undefined],
    ['Bearer', undefined],
    ['Bearer ', undefined],
    ['Bearerabc', undefined],
    ['Basic abc', undefined],
    ['Bearer a b', undefined],
    [`Bearer ${'a'.repeat(9000)}`, undefined],
  ];
  for (const [field, token] of rows) t.equal(readBearerToken(field), token, String(field).slice(0, 20));
  t.end();
});
