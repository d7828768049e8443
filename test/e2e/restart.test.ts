/**
 * Programs that are killed and started again: clients are served within five seconds, and told plainly until then.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { createServer } from 'node:http';
import { t as file, test, type Test } from 'tap';
import { adminPortOf, scrape } from '../admin/support/ask.ts';
import { valueOf } from '../admin/support/exposition.ts';
import { listen } from './support/listen.ts';
import { type Message, readResponse, value } from './support/message.ts';
import { Recorder } from './support/recorder.ts';
import {
  createSecret,
  linksUp,
  mintToken,
  productOnly,
  type Proxy,
  startAgent,
  startProxy,
} from './support/tunnel.ts';
import { dial, type Target } from './support/wire.ts';

const servingAgainMs = 5000;
const secret = createSecret();
const backend = await Recorder.listen(file);

/** One request on a fresh connection, answered by the backend. */
async function isServed(t: Test, target: Target, path: string): Promise<void> {
  const client = await dial(t, target);
  client.write(`GET ${path} HTTP/1.1\r\nHost: restart.test\r\n\r\n`);
  const reading = readResponse(client);
  // An answer that is not the backend's says more than a request that never came there.
  const asked = await Promise.race([backend.take(path), reading.then(refusedBy)]);
  asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nserved');
  t.equal((await reading).body.toString(), 'served');
  asked.release();
}

function refusedBy(message: Message): never {
  throw new Error(`answered by the proxy: ${message.startLine} ${message.body.toString()}`);
}

async function isOffline(t: Test, target: Target): Promise<void> {
  const client = await dial(t, target);
  client.write('GET /nobody HTTP/1.1\r\nHost: restart.test\r\nAccept: application/json\r\n\r\n');
  const message = await readResponse(client);
  t.equal(message.status, 503);
  t.match(message.body.toString(), 'agent_offline');
  t.match(value(message, 'content-type'), /^application\/json\b/);
  t.match(value(message, 'retry-after'), /^\d+$/);
  t.match(value(message, 'proxy-status'), 'agent_offline');
}

/** What is away is told at once: waiting for it has tests of its own. */
const env = { QUEUE_TIMEOUT: '0s' };

test('killed and started again', productOnly, async (t) => {
  const token = await mintToken(t, secret, ['--backend', 'default']);
  let proxy: Proxy = await startProxy(t, { secret, env });
  await t.test('without any agent the answer is 503 agent_offline', async (t2) => isOffline(t2, proxy));

  let agent = startAgent(t, { proxy, token, backend: backend.address });
  await linksUp(agent, 2);
  await t.test('with an agent the backend answers', async (t2) => isServed(t2, proxy, '/first'));

  await t.test('the proxy killed and started again on its port serves within five seconds', async (t2) => {
    const { port } = proxy;
    const before = agent.lines.length;
    const startMs = performance.now();
    await proxy.program.kill();
    proxy = await startProxy(t, { secret, port, env });
    await linksUp(agent, 1, before, servingAgainMs);
    await isServed(t2, proxy, '/after-proxy');
    const tookMs = performance.now() - startMs;
    t2.comment(`${tookMs.toFixed(0)} ms from the kill to the answer`);
    t2.ok(tookMs < servingAgainMs, `${tookMs.toFixed(0)} ms`);
    t2.ok(agent.isRunning, 'the same agent came back by itself');
  });

  await t.test('a client in the middle of a download when the proxy is killed sees it break', async (t2) => {
    const client = await dial(t2, proxy);
    client.write('GET /cut HTTP/1.1\r\nHost: restart.test\r\n\r\n');
    const asked = await backend.take('/cut');
    asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbeginning');
    await client.until('beginning');
    const { port } = proxy;
    const before = agent.lines.length;
    await proxy.program.kill();
    await client.left();
    await asked.wire.closed(5000);
    t2.pass('and the backend sees its socket close');
    proxy = await startProxy(t, { secret, port, env });
    await linksUp(agent, 2, before);
  });

  await t.test(
    'the agent killed and started again serves within five seconds, and until then 503 says why',
    async (t2) => {
      const startMs = performance.now();
      await agent.kill();
      await isOffline(t2, proxy);
      agent = startAgent(t, { proxy, token, backend: backend.address });
      await linksUp(agent, 1, 0, servingAgainMs);
      await isServed(t2, proxy, '/after-agent');
      const tookMs = performance.now() - startMs;
      t2.comment(`${tookMs.toFixed(0)} ms from the kill to the answer`);
      t2.ok(tookMs < servingAgainMs, `${tookMs.toFixed(0)} ms`);
    },
  );

  await t.test(
    'an agent killed in the middle of an exchange breaks it, and a waiting client gets a 502',
    async (t2) => {
      const [reading, waiting] = [await dial(t2, proxy), await dial(t2, proxy)];
      reading.write('GET /read HTTP/1.1\r\nHost: restart.test\r\n\r\n');
      const read = await backend.take('/read');
      read.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbeginning');
      await reading.until('beginning');
      waiting.write('POST /wait HTTP/1.1\r\nHost: restart.test\r\nContent-Length: 0\r\n\r\n');
      await backend.take('/wait');
      await agent.kill();
      t2.equal(await reading.left(), 'reset');
      const message = await readResponse(waiting);
      t2.equal(message.status, 502);
      t2.match(value(message, 'proxy-status'), 'agent_lost');
    },
  );
});

test(
  'an agent away for less than QUEUE_TIMEOUT: who came meanwhile is served, in the order they came',
  productOnly,
  async (t) => {
    const arrived: string[] = [];
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      arrived.push(path);
      let body = '';
      request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      request.once('end', () => response.end(`${path} ${body}`));
    });
    t.teardown(() => server.close());
    const [port, token] = await Promise.all([listen(server), mintToken(t, secret, ['--backend', 'default'])]);
    // Long enough for a program to start on a busy machine.
    const proxy = await startProxy(t, { secret, env: { QUEUE_TIMEOUT: '30s', ADMIN_PORT: '0' } });
    const first = startAgent(t, { proxy, token, backend: port, env: { LINKS: '1' } });
    await linksUp(first, 1);
    await first.kill();
    await proxy.program.line((line) => line['msg'] === 'agent disconnected');

    const clients = [];
    for (let number = 0; number < 20; number += 1) {
      const client = await dial(t, proxy);
      const isPost = number % 4 === 3;
      const head = `${isPost ? 'POST' : 'GET'} /${number} HTTP/1.1\r\nHost: restart.test\r\n`;
      client.write(isPost ? `${head}Content-Length: 4\r\n\r\nbody` : `${head}\r\n`);
      clients.push(client);
      // In the order they are to be served, also from the proxy's view: each connection has been read before the next is made.
      await waitingCount(t, proxy, number + 1);
    }
    t.same(arrived, []);
    const second = startAgent(t, { proxy, token, backend: port, env: { LINKS: '1', POOL_SIZE: '1' } });
    await linksUp(second, 1);
    const bodies = [];
    for (const client of clients) bodies.push((await readResponse(client)).body.toString());
    t.same(
      bodies,
      clients.map((_, number) => `/${number} ${number % 4 === 3 ? 'body' : ''}`),
    );
    t.same(
      arrived.map((path) => Number(path.slice(1))),
      clients.map((_, number) => number),
      'in order',
    );
  },
);

/** Until the metrics say that so many requests wait. */
async function waitingCount(t: Test, proxy: Proxy, count: number): Promise<void> {
  const port = await adminPortOf(proxy.program);
  const read = async () => valueOf(await scrape(port), 'inverting_proxy_waiting_exchanges');
  const isReached = async (): Promise<boolean> => ((await read()) ?? 0) >= count;
  while (!(await isReached()));
  t.equal(await read(), count);
}
