/**
 * `Authorization: Bearer` of clients, against a real proxy and the keys of a real identity server: what is taken, and every
 * token that only looks like one. Nothing that is refused reaches the backend.
 */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { base64url, SignJWT } from 'jose';
import { t as file, test } from 'tap';
import { WebSocket } from 'ws';
import { within } from '../e2e/support/deadline.ts';
import { productOnly } from '../e2e/support/tunnel.ts';
import { Browser } from './support/browser.ts';
import type { Page } from './support/browser.ts';
import { audience, clientId } from './support/identity-server.ts';
import { startWithSignIn } from './support/proxy-with-sign-in.ts';

function unsigned(alg: string): string {
  return base64url.encode(JSON.stringify({ alg, typ: 'JWT' }));
}

test('bearer tokens', productOnly, async (suite) => {
  const setting = await startWithSignIn(file, { OIDC_AUDIENCE: audience });
  const { origin, identity, reached, proxy } = setting;
  const nowSeconds = Math.floor(Date.now() / 1000);
  const good = {
    iss: identity.issuer,
    aud: audience,
    sub: 'alice',
    email: 'alice@example.com',
    iat: nowSeconds,
    exp: nowSeconds + 300,
  };
  const used: string[] = [];

  interface Making {
    readonly alg?: string;
    readonly kid?: string | undefined;
    readonly typ?: string;
    readonly key?: Parameters<SignJWT['sign']>[0];
  }

  const make = async (claims: Record<string, unknown>, making: Making = {}): Promise<string> => {
    const { alg = 'RS256', typ = 'at+jwt' } = making;
    const kid = 'kid' in making ? making.kid : identity.key.kid;
    const key = making.key ?? identity.key.privateKey;
    const header = { alg, typ, ...(kid === undefined ? {} : { kid }) };
    return await new SignJWT(claims).setProtectedHeader(header).sign(key);
  };

  const send = async (token: string, more: Record<string, string> = {}): Promise<Page> => {
    used.push(token);
    const headers = { accept: 'application/json', authorization: `Bearer ${token}`, ...more };
    return await new Browser().ask(`${origin}/api`, { headers });
  };

  await suite.test('a token of the provider for this proxy is taken, and stays here', async (t) => {
    for (const token of [
      await make(good),
      await make({ ...good, aud: ['other', audience] }),
      await make(good, { typ: 'JWT' }),
      await make(good, { kid: undefined }),
    ]) {
      const page = await send(token);
      t.equal(page.status, 200, page.body);
      t.equal(JSON.parse(page.body).headers.authorization, undefined, 'the backend does not see it');
      t.strictSame(page.setCookies, [], 'a program gets no session');
    }
  });

  await suite.test('who is known and not on the list hears 403', async (t) => {
    for (const claims of [
      { ...good, email: 'mallory@evil.example' },
      { ...good, email_verified: false },
      { ...good, email: undefined },
    ]) {
      const page = await send(await make(claims));
      t.equal(page.status, 403);
      t.match(JSON.parse(page.body), { code: 'access_denied' });
    }
  });

  const publicKey = createPublicKey(identity.key.privateKey);
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const [head = '', body = '', signature = ''] = (await make(good)).split('.');
  const [, forgedBody = ''] = (await make({ ...good, email: 'boss@example.com' })).split('.');
  const embedded = { alg: 'RS256', jwk: createPublicKey(other).export({ format: 'jwk' }) };

  const forged: readonly (readonly [string, string])[] = [
    ['signed by somebody else', await make(good, { key: other })],
    ['signed by somebody else under no name', await make(good, { key: other, kid: undefined })],
    [
      'signed by somebody whose key it brings along',
      await new SignJWT(good).setProtectedHeader(embedded).sign(other),
    ],
    ['with claims of another one', `${head}.${forgedBody}.${signature}`],
    ['with its signature stripped', `${head}.${body}.`],
    ['with a changed signature', `${head}.${body}.${signature.slice(0, -6)}AAAAAA`],
    ['alg none, no signature', `${unsigned('none')}.${body}.`],
    ['alg None', `${unsigned('None')}.${body}.`],
    ['alg none, with the signature', `${unsigned('none')}.${body}.${signature}`],
    ['HS256 with the public key as the secret', await make(good, { alg: 'HS256', key: Buffer.from(pem) })],
    [
      'HS256 with the client id as the secret',
      await make(good, { alg: 'HS256', key: Buffer.from(clientId.padEnd(32)) }),
    ],
    ['for another audience', await make({ ...good, aud: 'https://other.example' })],
    ['for the client id, where another audience is set', await make({ ...good, aud: clientId })],
    ['without an audience', await make({ ...good, aud: undefined })],
    ['expired', await make({ ...good, exp: nowSeconds - 60 })],
    ['without an end', await make({ ...good, exp: undefined })],
    ['not yet valid', await make({ ...good, nbf: nowSeconds + 120 })],
    ['of nobody', await make({ ...good, sub: undefined })],
    ['of a subject that is none', await make({ ...good, sub: '' })],
    ['a logout token', await make(good, { typ: 'logout+jwt' })],
    ['of an agent, by the same provider', await make({ ...good, backend: ['default'] })],
    ['a logout token that does not call itself so', await make({ ...good, events: { logout: {} } })],
    ['bound to a key of which no proof is sent', await make({ ...good, cnf: { jkt: 'x' } })],
  ];

  for (const [what, token] of forged) {
    await suite.test(`refused: ${what}`, async (t) => {
      const before = reached.length;
      const page = await send(token);
      t.equal(page.status, 401);
      t.equal(page.headers['www-authenticate'], 'Bearer error="invalid_token"');
      t.match(JSON.parse(page.body), { code: 'token_refused' });
      t.equal(reached.length, before, 'nothing reached the backend');
    });
  }

  await suite.test('a token of anybody else says nothing here', async (t) => {
    const before = reached.length;
    const fake = await make({ ...good, iss: 'https://evil.example' });
    for (const token of [fake, 'opaque', '', 'a.b.c', 'x'.repeat(9_000)]) {
      const page = await send(token);
      t.equal(page.status, 401, token.slice(0, 20));
      t.match(page.headers['www-authenticate'], /^Bearer/);
    }
    t.equal(reached.length, before);
  });

  await suite.test('two Authorization fields are one too many', async (t) => {
    const token = await make(good);
    const twice = await new Browser().ask(`${origin}/api`, {
      headers: [
        ['Accept', 'application/json'],
        ['Authorization', `Bearer ${token}`],
        ['Authorization', 'Bearer of-the-backend'],
      ],
    });
    t.equal(twice.status, 401);
  });

  await suite.test(
    "an agent's token opens nothing for a client, a client's nothing for an agent",
    async (t) => {
      const { agentToken } = setting;
      t.equal((await send(agentToken)).status, 401);
      const door = `${origin}/.well-known/inverting-proxy/agent?backend=default`;
      const upgrade = {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        'sec-websocket-protocol': 'inverting-proxy.v1',
      };
      const page = await new Browser().ask(door, {
        headers: { ...upgrade, authorization: `Bearer ${await make({ ...good, backend: ['default'] })}` },
      });
      t.equal(page.status, 401);
    },
  );

  await suite.test('a WebSocket opens by a token, whatever page it says it is of', async (t) => {
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/socket`, {
      headers: { authorization: `Bearer ${await make(good)}`, origin: 'https://elsewhere.example' },
    });
    t.teardown(() => socket.terminate());
    const coming = Promise.withResolvers<string>();
    socket.on('error', coming.reject);
    socket.on('open', () => socket.send('hello'));
    socket.on('message', (data) => coming.resolve(Buffer.isBuffer(data) ? data.toString() : ''));
    t.equal(await within(5_000, () => 'an echo', coming.promise), 'hello');
  });

  await suite.test('new keys at the provider are taken, old ones no more; and it may be away', async (t) => {
    const old = await make(good);
    identity.isAway = true;
    t.equal((await send(old)).status, 200, 'its keys are known');
    identity.isAway = false;
    identity.rotate();
    // Asked again where a token names an unknown key, once in five seconds: the suite has asked a moment ago.
    const fresh = await make(good);
    let page = await send(fresh);
    for (const untilMs = Date.now() + 20_000; page.status !== 200 && Date.now() < untilMs;) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      page = await send(fresh);
    }
    t.equal(page.status, 200);
    t.equal((await send(old)).status, 401);
  });

  await suite.test('no token stands in the log, at debug', (t) => {
    const text = proxy.lines.map((line) => JSON.stringify(line)).join('\n') + proxy.output;
    const words = used.filter((token) => token.length > 8 && token !== 'x'.repeat(9_000));
    t.ok(words.length > 25);
    t.strictSame(
      words.filter((word) => text.includes(word)),
      [],
    );
    t.end();
  });
});
