/** The keys of a server: when they are fetched, how much of it is read, and what stays when it is away. */
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { test } from 'tap';
import type { Test } from 'tap';
import { RemoteKeys } from '../../shared/auth/remote-keys.ts';
import { KeyVerifier } from '../../shared/auth/verifier.ts';
import { listen } from '../e2e/support/listen.ts';
import { jwkOf, nowMs, pairs, sign, verdict } from './support/keys.ts';

interface KeyServer {
  answer: RequestListener;
  asked: number;
  readonly clock: { ms: number };
  readonly problems: string[];
  readonly keys: RemoteKeys;
  publish(...jwks: readonly unknown[]): void;
  judge(kid?: string, pair?: keyof typeof pairs): Promise<string>;
}

async function serve(t: Test): Promise<KeyServer> {
  const clock = { ms: 0 };
  const problems: string[] = [];
  const httpServer = createServer((request, response) => {
    server.asked += 1;
    server.answer(request, response);
  });
  const port = await listen(httpServer);
  t.teardown(() => {
    httpServer.close();
    httpServer.closeAllConnections();
  });
  const url = `http://127.0.0.1:${port}/jwks`;
  const keys = new RemoteKeys({ url, onProblem: (reason) => problems.push(reason), nowMs: () => clock.ms });
  const verifier = new KeyVerifier(keys, { now: () => nowMs });
  const server: KeyServer = {
    answer: (_request, response) => response.end('{}'),
    asked: 0,
    clock,
    problems,
    keys,
    publish: (...jwks) => {
      server.answer = (_request, response) => response.end(JSON.stringify({ keys: jwks }));
    },
    judge: async (kid, pair = 'ed') => {
      const alg = { ed: 'EdDSA', ec: 'ES256', rsa: 'RS256', otherRsa: 'RS256' }[pair];
      return verdict(
        verifier.verify(await sign(pairs[pair].privateKey, kid === undefined ? { alg } : { alg, kid })),
      );
    },
  };
  return server;
}

test('keys are fetched once, again when a token names another, and not too often for that', async (t) => {
  const server = await serve(t);
  server.publish(jwkOf(pairs.ed, { kid: 'a' }));
  t.strictSame(await Promise.all([server.judge('a'), server.judge('a'), server.judge()]), [
    'shop',
    'shop',
    'shop',
  ]);
  t.equal(server.asked, 1, 'once for all that ask at the same time');
  server.publish(jwkOf(pairs.ed, { kid: 'a' }), jwkOf(pairs.ec, { kid: 'b' }));
  server.clock.ms = 29_999;
  t.equal(await server.judge('b', 'ec'), '401 token_key');
  t.equal(server.asked, 1, 'within the cooldown a stranger with a new name causes nothing');
  server.clock.ms = 30_000;
  t.strictSame(await Promise.all([server.judge('b', 'ec'), server.judge('c'), server.judge('d')]), [
    'shop',
    '401 token_key',
    '401 token_key',
  ]);
  t.equal(server.asked, 2);
  await Promise.all(Array.from({ length: 50 }, (_, index) => server.judge(`stranger ${index}`)));
  t.equal(server.asked, 2);
});

test('keys that are old are fetched anew behind the back of whoever asks', async (t) => {
  const server = await serve(t);
  server.publish(jwkOf(pairs.ed, { kid: 'a' }));
  t.equal(await server.judge('a'), 'shop');
  server.publish(jwkOf(pairs.ec, { kid: 'b' }));
  server.clock.ms = 600_001;
  t.equal(await server.judge('a'), 'shop', 'this one still by the old');
  await server.keys.refresh();
  t.equal(server.asked, 2);
  t.equal(await server.judge('a'), '401 token_key', 'the next by the new');
  t.equal(await server.judge('b', 'ec'), 'shop');
});

test('what a server says that is away or broken takes no key away', async (t) => {
  const server = await serve(t);
  server.publish(jwkOf(pairs.ed, { kid: 'a' }));
  t.equal(await server.judge('a'), 'shop');
  const big = 'x'.repeat(300_000);
  const rows: readonly (readonly [string, RequestListener, RegExp])[] = [
    ['503', (_request, response) => response.writeHead(503).end('away'), /^was answered with 503$/],
    [
      'a redirect to keys of its choice',
      (request, response) => {
        if (request.url === '/jwks') response.writeHead(302, { Location: '/other' }).end();
        else response.end(JSON.stringify({ keys: [jwkOf(pairs.ec, { kid: 'evil' })] }));
      },
      /^cannot be reached/,
    ],
    ['no JSON', (_request, response) => response.end('<html>'), /^is no JSON$/],
    ['a list', (_request, response) => response.end('[]'), /^is no JWK and no JWK set$/],
    ['an empty set', (_request, response) => response.end('{"keys":[]}'), /^holds no key of use$/],
    [
      'a set of secrets',
      (_request, response) => response.end('{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}'),
      /^holds no key of use; holds key 1 of the set, which is a shared secret/,
    ],
    [
      'too much',
      (_request, response) => response.end(`{"keys":[],"x":"${big}"}`),
      /^holds more than 262144 bytes$/,
    ],
    ['a cut connection', (request) => request.socket.destroy(), /^cannot be reached/],
  ];
  for (const [title, answer, problem] of rows) {
    server.answer = answer;
    server.clock.ms += 600_001;
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await server.keys.refresh();
    t.match(server.problems.at(-1), problem, title);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    t.equal(await server.judge('a'), 'shop', `${title}: the last keys are there`);
  }
  t.equal(server.problems.length, rows.length);
  server.clock.ms += 5_000;
  await server.keys.refresh();
  t.equal(server.problems.length, rows.length, 'the same is not said twice in a row');
  server.publish(jwkOf(pairs.ec, { kid: 'b' }));
  server.clock.ms += 5_000;
  t.equal(await server.judge('b', 'ec'), 'shop', 'and once it is back, its new ones');
});

test('before it has answered once nobody can tell, which is no verdict on the token', async (t) => {
  const server = await serve(t);
  server.answer = (_request, response) => response.writeHead(500).end();
  t.equal(await server.judge('a'), '503 keys_unavailable');
  t.equal(await server.judge('a'), '503 keys_unavailable');
  t.equal(server.asked, 1, 'and it is not asked at once again');
  server.publish(jwkOf(pairs.ed, { kid: 'a' }), jwkOf(pairs.rsa, { use: 'enc' }), 7);
  server.clock.ms = 5_000;
  t.equal(await server.judge('a'), 'shop', 'keys of no use beside it change nothing');
});
