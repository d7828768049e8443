/** How long a token lives that a provider gives, whatever that says of it; and an answer without an end. */
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { test } from 'tap';
import type { Test } from 'tap';
import { fetchToken, reasonOf } from '../../shared/auth/client-credentials.ts';
import { listen } from '../e2e/support/listen.ts';

const nowMs = 1_000_000_000_000;

/** @param give what the token endpoint does */
async function start(t: Test, give: RequestListener) {
  const server = createServer((request, response) => {
    if (request.url === '/token') return give(request, response);
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify({ issuer, token_endpoint: `${issuer}token` }));
  });
  const issuer = `http://127.0.0.1:${await listen(server)}/`;
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const credentials = { issuer, clientId: 'agent', clientSecret: 'secret', scopes: [] };
  const options = { ...credentials, audience: undefined, resource: undefined };
  return () => fetchToken(options, new AbortController().signal, nowMs);
}

function jwt(claims: string): string {
  return ['{"alg":"none"}', claims, ''].map((part) => Buffer.from(part).toString('base64url')).join('.');
}

const fiveMinutesMs = 300_000;
const rows: readonly (readonly [says: string, answer: object, lifeMs: number])[] = [
  ['the answer says it', { access_token: 'opaque', expires_in: 60 }, 60_000],
  ['the answer goes before the token', { access_token: jwt('{"exp":1000000099}'), expires_in: 60 }, 60_000],
  ['the token says it', { access_token: jwt('{"exp":1000000099}') }, 99_000],
  ['the clock here is ahead', { access_token: jwt('{"exp":999999940}') }, -60_000],
  ['nobody says it', { access_token: 'opaque' }, fiveMinutesMs],
  ['a JWT without an end', { access_token: jwt('{}') }, fiveMinutesMs],
  ['an end that is no number', { access_token: jwt('{"exp":"tomorrow"}') }, fiveMinutesMs],
  ['an end that is an object', { access_token: jwt('{"exp":{}}') }, fiveMinutesMs],
  ['no end of numbers', { access_token: jwt('{"exp":1e999}') }, Infinity],
];

for (const [says, answer, lifeMs] of rows) {
  test(`the life of a token: ${says}`, async (t) => {
    const ask = await start(t, (_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ token_type: 'bearer', ...answer }));
    });
    t.equal((await ask()).lifeMs, lifeMs);
  });
}

test('an answer without an end is not read to its end', async (t) => {
  let sent = 0;
  const ask = await start(t, (_request, response) => {
    response.setHeader('content-type', 'application/json');
    const block = Buffer.alloc(64 * 1024, ' ');
    const more = (): void => {
      if (response.destroyed || sent > 64 * 1024 * 1024) return;
      sent += block.length;
      if (response.write(block)) setImmediate(more);
      else response.once('drain', more);
    };
    more();
  });
  const reason: unknown = await ask().then(() => 'a token', reasonOf);
  t.match(reason, /longer than 1048576 bytes/);
  t.ok(sent < 32 * 1024 * 1024, `${sent} bytes were sent`);
});
