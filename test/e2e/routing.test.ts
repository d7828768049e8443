/**
 * Several backends behind one proxy: by host, by path prefix on segment borders, the longest wins; what nobody serves is 404.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { createServer } from 'node:http';
import { t as file, test, type Test } from 'tap';
import { listen } from './support/listen.ts';
import { type Message, readResponse, value } from './support/message.ts';
import {
  createSecret,
  type Env,
  isDirect,
  linksUp,
  mintToken,
  productOnly,
  type Proxy,
  startAgent,
  startProxy,
} from './support/tunnel.ts';
import { dial } from './support/wire.ts';

/** A backend that says its name and the target it was asked for. */
async function startNamed(name: string): Promise<number> {
  const server = createServer((request, response) => response.end(`${name} ${request.url}`));
  file.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return listen(server);
}

async function ask(t: Test, proxy: Proxy, host: string, path: string): Promise<Message> {
  const client = await dial(t, proxy);
  client.write(
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n`,
  );
  return readResponse(client);
}

async function publish(proxy: Proxy, id: string, asks: { host?: string; path?: string }): Promise<void> {
  const { host, path } = asks;
  const args = [
    ...(host === undefined ? [] : ['--host', host]),
    ...(path === undefined ? [] : ['--path', path]),
  ];
  const [token, backend] = await Promise.all([
    mintToken(file, proxy.secret, ['--backend', id, ...args]),
    startNamed(id),
  ]);
  const env: Env = {
    BACKEND_ID: id,
    LINKS: '1',
    ...(host === undefined ? {} : { HOSTS: host }),
    ...(path === undefined ? {} : { PATHS: path }),
  };
  await linksUp(startAgent(file, { proxy, token, backend, env }), 1);
}

async function suite(): Promise<void> {
  const proxy = await startProxy(file, {
    secret: createSecret(),
    env: { BASE_DOMAIN: 'tunnel.example.com' },
  });
  await Promise.all([
    publish(proxy, 'shop', { host: 'shop.example.com' }),
    publish(proxy, 'api', { host: 'shop.example.com', path: '/api' }),
    publish(proxy, 'wild', { host: '*.wild.example.com' }),
    publish(proxy, 'named', {}),
  ]);

  for (const [host, path, id] of [
    ['shop.example.com', '/', 'shop'],
    ['SHOP.Example.com.', '/', 'shop'],
    ['shop.example.com:8443', '/', 'shop'],
    ['shop.example.com', '/api', 'api'],
    ['shop.example.com', '/api/', 'api'],
    ['shop.example.com', '/api/v1?x=/y', 'api'],
    ['shop.example.com', '/api?x', 'api'],
    ['shop.example.com', '/apiary', 'shop'],
    ['shop.example.com', '/API', 'shop'],
    ['shop.example.com', '/x/api', 'shop'],
    ['shop.example.com', '//api', 'shop'],
    ['a.wild.example.com', '/', 'wild'],
    ['named.tunnel.example.com', '/', 'named'],
  ] as const) {
    test(`${host}${path} is served by ${id}, which sees the target unchanged`, async (t) => {
      const message = await ask(t, proxy, host, path);
      t.equal(message.body.toString(), `${id} ${path}`);
    });
  }

  for (const host of [
    'unknown.example.com',
    'wild.example.com',
    'shop.example.com.evil.test',
    'tunnel.example.com',
    '127.0.0.1',
  ]) {
    test(`${host} is served by nobody: 404 no_route`, async (t) => {
      const message = await ask(t, proxy, host, '/');
      t.equal(message.status, 404);
      t.match(message.body.toString(), 'no_route');
      t.match(value(message, 'proxy-status'), 'no_route');
      t.notMatch(message.body.toString(), host, 'and the answer reflects nothing of the request');
    });
  }

  test('two agents of the same id share its route, and one is enough', async (t) => {
    const token = await mintToken(t, proxy.secret, ['--backend', 'pair', '--host', 'pair.example.com']);
    const env = { BACKEND_ID: 'pair', HOSTS: 'pair.example.com', LINKS: '1' };
    const [left, right] = await Promise.all([startNamed('left'), startNamed('right')]);
    const first = startAgent(t, { proxy, token, backend: left, env });
    const second = startAgent(t, { proxy, token, backend: right, env });
    await Promise.all([linksUp(first, 1), linksUp(second, 1)]);
    const seen = new Set<string>();
    for (let number = 0; number < 50 && seen.size < 2; number += 1) {
      seen.add((await ask(t, proxy, 'pair.example.com', '/')).body.toString());
    }
    t.same([...seen].toSorted(), ['left /', 'right /'], 'both serve');
    await first.kill();
    for (let number = 0; number < 10; number += 1) {
      // The first may still be on its way out for the very next request; from then on nobody is sent there.
      const message = await ask(t, proxy, 'pair.example.com', '/');
      t.equal(message.body.toString(), 'right /');
    }
  });
}

if (isDirect) test('routing', productOnly, () => {});
else await suite();
