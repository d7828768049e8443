/**
 * Backends that are not well: their agents find out and say so, and requests go where they are served, or are told that
 * nobody serves them. Probes here come often, so that no test waits long.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { createServer, type Server } from 'node:http';
import { test, type Test } from 'tap';
import { listen } from './support/listen.ts';
import { readResponse, value } from './support/message.ts';
import { says } from './support/program.ts';
import {
  createSecret,
  linksUp,
  mintToken,
  productOnly,
  startAgent,
  startProxy,
  type Proxy,
} from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const often = {
  HEALTH_INTERVAL: '20ms',
  HEALTH_TIMEOUT: '2s',
  HEALTH_FAILURES: '3',
  HEALTH_PASSES: '2',
  LINKS: '1',
};

interface Backend {
  readonly port: number;
  readonly server: Server;
  /** What the health path is answered with. */
  status: number;
  probes: number;
}

async function startBackend(t: Test, name: string): Promise<Backend> {
  const server = createServer((request, response) => {
    if (request.url !== '/healthz?deep=1') {
      response.end(name);
      return;
    }
    backend.probes += 1;
    response.writeHead(backend.status).end();
  });
  const backend: Backend = { port: await listen(server), server, status: 204, probes: 0 };
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return backend;
}

async function ask(t: Test, proxy: Proxy): Promise<Awaited<ReturnType<typeof readResponse>>> {
  const client = await dial(t, proxy);
  client.write('GET / HTTP/1.1\r\nHost: health.test\r\nConnection: close\r\n\r\n');
  return readResponse(client);
}

test(
  'a backend that is not well gets nothing while another is well; when none is, 503 says so',
  productOnly,
  async (t) => {
    const secret = createSecret();
    const [proxy, token] = await Promise.all([
      startProxy(t, { secret }),
      mintToken(t, secret, ['--backend', 'default']),
    ]);
    const backends = [await startBackend(t, 'one'), await startBackend(t, 'two')];
    const env = { ...often, HEALTH_PATH: '/healthz?deep=1' };
    const agents = backends.map(({ port }) => startAgent(t, { proxy, token, backend: port, env }));
    await Promise.all(agents.map((agent) => linksUp(agent, 1)));
    const [one, two] = backends;
    if (one === undefined || two === undefined) throw new Error('two backends were started');

    one.status = 500;
    await proxy.program.line(says('backend not well'));
    for (let i = 0; i < 20; i += 1) t.equal((await ask(t, proxy)).body.toString(), 'two');

    two.status = 404;
    const seen = proxy.program.lines.length;
    const line = await proxy.program.line(says('backend not well'), seen);
    t.match(String(line['why']), /404/, 'the proxy knows why');
    const refused = await ask(t, proxy);
    t.equal(refused.status, 503);
    t.match(value(refused, 'proxy-status'), 'backend_unhealthy');
    t.match(value(refused, 'retry-after'), /^\d+$/);

    const before = proxy.program.lines.length;
    one.status = 302;
    await proxy.program.line(says('backend well again'), before);
    t.equal((await ask(t, proxy)).body.toString(), 'one', 'a redirect is an answer');
  },
);

test('one failed probe, or two, change nothing', productOnly, async (t) => {
  const secret = createSecret();
  const [proxy, token] = await Promise.all([
    startProxy(t, { secret }),
    mintToken(t, secret, ['--backend', 'default']),
  ]);
  const backend = await startBackend(t, 'one');
  const env = { ...often, HEALTH_PATH: '/healthz?deep=1' };
  const agent = startAgent(t, { proxy, token, backend: backend.port, env });
  await linksUp(agent, 1);
  for (let round = 0; round < 5; round += 1) {
    // Two bad ones at most: the second comes before the status is good again.
    const from = backend.probes;
    backend.status = 500;
    while (backend.probes < from + 1) await new Promise(setImmediate);
    backend.status = 204;
    while (backend.probes < from + 3) await new Promise(setImmediate);
  }
  t.notOk(proxy.program.lines.some(says('backend not well')));
});

test(
  'an agent whose backend is down at start stays up, waits, and serves when it comes',
  productOnly,
  async (t) => {
    const secret = createSecret();
    const [proxy, token] = await Promise.all([
      startProxy(t, { secret }),
      mintToken(t, secret, ['--backend', 'default']),
    ]);
    const backend = await startBackend(t, 'late');
    await new Promise((resolve) => backend.server.close(resolve));
    // No path: a connection that is taken is enough.
    const agent = startAgent(t, { proxy, token, backend: backend.port, env: often });
    const line = await agent.line(says('backend not well'));
    t.match(String(line['why']), 'ECONNREFUSED');
    await proxy.program.line(says('backend not well'));
    t.equal((await ask(t, proxy)).status, 503);
    await new Promise<void>((resolve) => backend.server.listen(backend.port, '127.0.0.1', resolve));
    await proxy.program.line(says('backend well again'));
    t.equal((await ask(t, proxy)).body.toString(), 'late');
    t.ok(agent.isRunning);
  },
);
