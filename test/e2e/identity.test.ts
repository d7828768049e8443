/**
 * What a backend on record is told of who the user is, by real processes: the fields, what becomes of clients that send
 * them, who may come from where, and the example of docs/identity.md against the keys that the proxy publishes.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { hashSync } from 'bcrypt';
import { decodeJwt } from 'jose';
import { t as file, test, type Test } from 'tap';
import { adminPortOf, ask as askAdmin } from '../admin/support/ask.ts';
import { listen } from './support/listen.ts';
import { readHead, readResponse, status, value, type Head } from './support/message.ts';
import { Recorder } from './support/recorder.ts';
import { type Env, productOnly, startTunnel, type Tunnel } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const adminToken = 'an admin token of more than 32 bytes';
const directory = mkdtempSync(join(tmpdir(), 'identity-'));
file.teardown(() => rmSync(directory, { recursive: true }));
const users = join(directory, 'users');
writeFileSync(users, `alice@example.com:${hashSync('a', 4)}\nbob,b:${hashSync('b', 4)}\n`);
const encoded = (text: string): string => Buffer.from(text).toString('base64');
const asAlice = `Authorization: Basic ${encoded('alice@example.com:a')}`;

async function startRecorded(t: Test, backend: number | string, env: Env = {}): Promise<Tunnel> {
  const proxyEnv = {
    ADMIN_TOKEN: adminToken,
    BASIC_AUTH_FILE: users,
    PUBLIC_URL: 'https://tunnel.example.com',
    ...env,
  };
  return startTunnel(t, { backend, proxyEnv });
}

async function setRecord(tunnel: Tunnel, record: object): Promise<void> {
  if (tunnel.proxy === undefined) throw new Error('no proxy');
  const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
  const options = { method: 'PUT', headers, body: JSON.stringify(record) };
  const answer = await askAdmin(await adminPortOf(tunnel.proxy), '/api/backends/default', options);
  if (answer.status > 201) throw new Error(`${answer.status}: ${answer.body}`);
}

/** Names of a user as they are usual, in capital and small letters, and with `_` for each `-` and for all of them. */
function spellings(name: string): string[] {
  const borders = [...name.matchAll(/-/g)].map(({ index }) => index);
  const each = borders.map((at) => `${name.slice(0, at)}_${name.slice(at + 1)}`);
  return [
    name,
    name.toLowerCase(),
    name.toUpperCase(),
    ...each,
    name.replaceAll('-', '_'),
    name.replaceAll('-', '_').toLowerCase(),
  ];
}

const reserved = [
  'X-Inverting-Proxy-User-ID',
  'X-Inverting-Proxy-Assertion',
  'X-Inverting-Proxy-Anything',
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X-Forwarded-Groups',
  'X-Forwarded-Preferred-Username',
  'X-Forwarded-Access-Token',
];

/** Every field that says who somebody is, however it is spelt. */
function claimsIn({ lines }: Head): string[] {
  const names = new RegExp(`^(?:${reserved.join('|')}|X-Inverting-Proxy-.*)$`, 'i');
  return lines.filter((line) => names.test(line.slice(0, line.indexOf(':')).replaceAll('_', '-')));
}

test('what a backend is told', productOnly, async (all) => {
  const backend = await Recorder.listen(all);
  const tunnel = await startRecorded(all, backend.address);
  const trusting = await startRecorded(all, backend.address, { TRUSTED_PROXIES: '127.0.0.1' });

  /** The head that the backend gets. */
  const send = async (
    t: Test,
    through: Tunnel,
    target: string,
    lines: readonly string[],
    body = '',
  ): Promise<Head> => {
    const client = await dial(t, through);
    client.write([`POST ${target} HTTP/1.1`, 'Host: h', ...lines, '', body].join('\r\n'));
    const asked = await backend.take(target);
    asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
    t.equal(status(await readHead(client)), 204);
    asked.release();
    return asked;
  };

  await all.test('who it is, once the record says so', async (t) => {
    await setRecord(tunnel, { access: 'signed-in' });
    t.strictSame(claimsIn(await send(t, tunnel, '/untold', [asAlice])), []);
    await setRecord(tunnel, { access: 'signed-in', forwardIdentity: true });
    const told = await send(t, tunnel, '/told', [asAlice]);
    const [id, user, email, assertion, ...more] = claimsIn(told);
    t.strictSame(
      [id, user, email],
      [
        'X-Inverting-Proxy-User-ID: alice@example.com',
        'X-Forwarded-User: alice@example.com',
        'X-Forwarded-Email: alice@example.com',
      ],
    );
    t.strictSame(more, []);
    t.equal(value(told, 'authorization'), undefined);
    t.match(decodeJwt(assertion?.split(': ')[1] ?? ''), {
      iss: 'https://tunnel.example.com',
      aud: 'default',
      sub: 'alice@example.com',
      identity_provider: 'basic',
      groups: [],
    });
    const bob = await send(t, tunnel, '/bob', [`Authorization: Basic ${encoded('bob,b:b')}`]);
    t.strictSame(claimsIn(bob).slice(0, 2), [
      'X-Inverting-Proxy-User-ID: bob%2Cb',
      'X-Forwarded-User: bob%2Cb',
    ]);
  });

  await all.test(
    'Authorization stays where the record keeps it, identity goes with an upgrade too',
    async (t) => {
      await setRecord(tunnel, { access: 'signed-in', forwardIdentity: true, keepAuthorization: true });
      const client = await dial(t, tunnel);
      client.write(
        [
          'GET /socket HTTP/1.1',
          'Host: h',
          asAlice,
          'Connection: Upgrade, X-Forwarded-User',
          'Upgrade: websocket',
          'X-Forwarded-User: root',
          '',
          '',
        ].join('\r\n'),
      );
      const asked = await backend.take('/socket');
      t.equal(value(asked, 'authorization'), asAlice.slice('Authorization: '.length));
      t.equal(value(asked, 'x-forwarded-user'), 'alice@example.com');
      t.equal(value(asked, 'upgrade'), 'websocket');
      asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
      t.equal(status(await readHead(client)), 204);
      asked.release();
    },
  );

  await all.test(
    'nobody says who they are: every name, in every spelling, from whoever it comes',
    async (t) => {
      await setRecord(tunnel, { forwardIdentity: true });
      await setRecord(trusting, { forwardIdentity: true });
      for (const [who, through] of [
        ['strangers', tunnel],
        ['trusted proxies', trusting],
      ] as const) {
        const names = reserved.flatMap(spellings);
        for (let at = 0; at < names.length; at += 40) {
          const lines = names.slice(at, at + 40).map((name) => `${name}: root`);
          for (const [what, more] of [
            ['', ['Content-Length: 0']],
            ['-upgrade', ['Connection: Upgrade', 'Upgrade: websocket']],
            ['-named', ['Content-Length: 0', `Connection: ${reserved.join(', ')}`]],
          ] as const) {
            const head = await send(t, through, `/${who.replace(' ', '-')}/${at}${what}`, [
              ...lines,
              ...more,
              'X-Kept: 1',
            ]);
            t.strictSame(claimsIn(head), [], `${who} ${at}${what}`);
            t.equal(value(head, 'x-kept'), '1');
          }
          const signedIn = await send(t, through, `/${who.replace(' ', '-')}/${at}-as-alice`, [
            ...lines,
            asAlice,
            'Content-Length: 0',
          ]);
          t.strictSame(
            claimsIn(signedIn).map((line) => line.replace(/Assertion: .*/, 'Assertion: …')),
            [
              'X-Inverting-Proxy-User-ID: alice@example.com',
              'X-Forwarded-User: alice@example.com',
              'X-Forwarded-Email: alice@example.com',
              'X-Inverting-Proxy-Assertion: …',
            ],
            `${who} ${at}, signed in`,
          );
        }
      }
    },
  );

  await all.test('nor in trailers', async (t) => {
    const client = await dial(t, trusting);
    const trailers = reserved.map((name, at) => `${spellings(name)[at % 3] ?? name}: root`);
    client.write(
      `POST /trailers HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${trailers.join('\r\n')}\r\nX-Kept: 1\r\n\r\n`,
    );
    const asked = await backend.take('/trailers');
    t.equal(await asked.wire.until('\r\n\r\n'), '0\r\nX-Kept: 1\r\n\r\n');
    asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
    t.equal(status(await readHead(client)), 204);
    asked.release();
  });

  await all.test(
    'from where: denied before allowed, and by the address that trusted proxies tell',
    async (t) => {
      let count = 0;
      const statusFrom = async (through: Tunnel, ...lines: string[]): Promise<number> => {
        const client = await dial(t, through);
        // A path of its own: what nobody takes of an earlier one is not taken for this one.
        const target = `/networks/${(count += 1)}`;
        client.write([`GET ${target} HTTP/1.1`, 'Host: h', ...lines, '', ''].join('\r\n'));
        const answer = readResponse(client);
        // The answer is the proxy's own, or it comes when the backend has been asked.
        const asked = await Promise.race([backend.take(target), answer]);
        if ('release' in asked) {
          asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
          asked.release();
        }
        return (await answer).status;
      };
      for (const [allow, deny, expected] of [
        [[], ['127.0.0.0/8'], 403],
        [['127.0.0.1'], ['127.0.0.0/8'], 403],
        [['10.0.0.0/8'], [], 403],
        [['10.0.0.0/8', '127.0.0.1'], ['10.0.0.0/8'], 204],
      ] as const) {
        await setRecord(tunnel, { networks: { allow, deny } });
        t.equal(await statusFrom(tunnel), expected, `+${allow.join()} -${deny.join()}`);
        t.equal(
          await statusFrom(tunnel, asAlice, 'X-Forwarded-For: 192.0.2.1'),
          expected,
          'whoever it is and says to come from',
        );
      }
      await setRecord(trusting, { networks: { allow: ['198.51.100.0/24'], deny: [] } });
      t.equal(await statusFrom(trusting, 'X-Forwarded-For: 198.51.100.7'), 204);
      t.equal(await statusFrom(trusting, 'X-Forwarded-For: 198.51.100.7, 192.0.2.1'), 403);
      t.equal(await statusFrom(trusting), 403);
    },
  );
});

test('the example of docs/identity.md', productOnly, async (t) => {
  const text = readFileSync(new URL('../../docs/identity.md', import.meta.url), 'utf8');
  const example = /^```js\n(.*?)^```/ms.exec(text)?.[1] ?? '';
  t.match(example, "const proxy = 'https://tunnel.example.com';");
  t.match(example, "audience: 'shop'");
  const path = join(directory, 'example.mjs');
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(directory, 'node_modules'));

  const loaded = Promise.withResolvers<(request: IncomingMessage) => Promise<unknown>>();
  const server = createServer((request, response) => {
    void loaded.promise
      .then((userOf) => userOf(request))
      .then(
        (user) => response.end(JSON.stringify(user)),
        (error: unknown) => response.writeHead(401).end(error instanceof Error ? error.name : ''),
      );
  });
  const port = await listen(server);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  // The proxy's own address is the issuer, and where its keys are.
  const tunnel = await startTunnel(t, {
    backend: port,
    proxyEnv: { ADMIN_TOKEN: adminToken, BASIC_AUTH_FILE: users },
  });
  await setRecord(tunnel, { forwardIdentity: true });
  const origin = `http://127.0.0.1:${tunnel.port}`;
  writeFileSync(path, example.replace('https://tunnel.example.com', origin).replace("'shop'", "'default'"));
  const module: unknown = await import(pathToFileURL(path).href);
  if (
    typeof module !== 'object' ||
    module === null ||
    !('userOf' in module) ||
    typeof module.userOf !== 'function'
  )
    throw new Error('the example exports no userOf');
  const { userOf } = module;
  loaded.resolve(async (request) => userOf(request));

  const get = async (host: number, ...lines: string[]): Promise<readonly [number, string]> => {
    const client = await dial(t, { host: '127.0.0.1', port: host });
    client.write(['GET / HTTP/1.1', 'Host: h', 'Connection: close', ...lines, '', ''].join('\r\n'));
    const { status: code, body } = await readResponse(client);
    return [code, body.toString()];
  };
  const [code, body] = await get(tunnel.port, asAlice);
  t.equal(code, 200);
  t.match(JSON.parse(body), {
    iss: origin,
    aud: 'default',
    sub: 'alice@example.com',
    email: 'alice@example.com',
  });
  t.strictSame(await get(tunnel.port), [401, 'JWSInvalid'], 'nobody');
  t.strictSame(
    await get(tunnel.port, 'X-Inverting-Proxy-Assertion: e30.e30.x'),
    [401, 'JWSInvalid'],
    'removed on the way',
  );
  t.equal((await get(port, 'X-Forwarded-User: alice'))[0], 401, 'past the proxy');
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(JSON.parse(body))).toString('base64url')}.`;
  t.equal((await get(port, `X-Inverting-Proxy-Assertion: ${none}`))[0], 401, 'past the proxy, unsigned');

  const set = await dial(t, tunnel);
  set.write('GET /.well-known/inverting-proxy/jwks.json HTTP/1.1\r\nHost: any.other.host\r\n\r\n');
  const keys = await readResponse(set);
  t.equal(keys.status, 200);
  t.equal(value(keys, 'content-type'), 'application/json');
  t.equal(value(keys, 'cache-control'), 'public, max-age=120');
  t.match(JSON.parse(keys.body.toString()), {
    keys: [{ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' }],
  });
  t.notMatch(keys.body.toString(), '"d"');
});
