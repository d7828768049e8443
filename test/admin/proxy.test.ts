/**
 * The proxy as it is watched: known traffic through real processes, and then exactly these numbers and lines. Each step
 * waits for the line of its exchange: what the line says, the metrics have counted.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { t as file, test } from 'tap';
import type { Test } from 'tap';
import type { LogLine } from '../e2e/support/program.ts';
import { readHead, readResponse, status, value } from '../e2e/support/message.ts';
import { Recorder } from '../e2e/support/recorder.ts';
import {
  createSecret,
  linksUp,
  mintToken,
  productOnly,
  startAgent,
  startProxy,
} from '../e2e/support/tunnel.ts';
import type { Proxy } from '../e2e/support/tunnel.ts';
import { dial } from '../e2e/support/wire.ts';
import type { Wire } from '../e2e/support/wire.ts';
import { adminPortOf, ask, scrape } from './support/ask.ts';
import { valueOf } from './support/exposition.ts';
import type { Family } from './support/exposition.ts';

type Families = ReadonlyMap<string, Family>;

const shop = { backend: 'shop' };
const none = { backend: '(none)' };

/** Its line in the log, once there is one. */
async function lineOf(proxy: Proxy, path: string): Promise<LogLine> {
  return proxy.program.line((line) => line['msg'] === 'exchange' && line['path'] === path);
}

async function request(t: Test, proxy: Proxy, head: string, body = ''): Promise<Wire> {
  const client = await dial(t, proxy);
  client.write(`${head}\r\nHost: shop.test\r\n\r\n${body}`);
  return client;
}

function allExchanges(families: Families): number {
  const series = families.get('inverting_proxy_exchanges_total')?.series ?? [];
  return series.reduce((sum, { value: count }) => sum + count, 0);
}

async function suite(): Promise<void> {
  const secret = createSecret();
  const backend = await Recorder.listen(file);
  const proxy = await startProxy(file, { secret });
  const port = await adminPortOf(proxy.program);
  const counted = async (name: string, labels: Record<string, string> = {}): Promise<number> =>
    valueOf(await scrape(port), name, labels);

  test('before any agent: alive, ready, and nothing to see', async (t) => {
    t.strictSame([(await ask(port, '/healthz')).status, (await ask(port, '/readyz')).status], [200, 200]);
    t.strictSame(JSON.parse((await ask(port, '/api/tunnels')).body), { tunnels: [] });
    const families = await scrape(port);
    t.equal(valueOf(families, 'inverting_proxy_client_connections'), 0);
    t.equal(families.get('inverting_proxy_info')?.series.length, 1);
    t.strictSame(families.get('inverting_proxy_exchanges_total')?.series, []);
  });

  test('an agent comes: who it is, since when, from where', async (t) => {
    const beforeMs = Date.now();
    const token = await mintToken(t, secret, ['--backend', 'shop']);
    const env = { BACKEND_ID: 'shop', PATHS: '/app', LINKS: '2' };
    const agent = startAgent(file, { proxy, token, backend: backend.address, env });
    await linksUp(agent, 2);
    const listed: { id: string; since: string }[] = JSON.parse(
      (await ask(port, '/api/tunnels')).body,
    ).tunnels;
    // Two dials at once come in any order.
    const tunnels = listed.toSorted((a, b) => a.id.localeCompare(b.id));
    const connected = await proxy.program.line((line) => line['msg'] === 'agent connected');
    t.match(
      tunnels,
      ['shop#1', 'shop#2'].map((id) => ({
        id,
        backend: 'shop',
        instance: connected['instance'],
        version: connected['agentVersion'],
        address: '127.0.0.1',
        routes: ['*/app'],
        state: 'serving',
        load: 0,
        heldBytes: 0,
        stalledWindows: { toBackend: 0, toClient: 0 },
      })),
    );
    for (const { since } of tunnels) {
      t.equal(new Date(since).toISOString(), since);
      t.ok(Date.parse(since) >= beforeMs - 1_000 && Date.parse(since) <= Date.now());
    }
    t.equal(await counted('inverting_proxy_links', { ...shop, state: 'serving' }), 2);
    t.equal(await counted('inverting_proxy_links_opened_total', shop), 2);
  });

  test('a GET and a POST with its body', async (t) => {
    const got = await request(t, proxy, 'GET /app/get?secret=1 HTTP/1.1');
    const first = await backend.take('/app/get?secret=1');
    first.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello');
    first.release();
    t.equal((await readResponse(got)).status, 200);
    const line = await lineOf(proxy, '/app/get');
    t.match(line, { method: 'GET', host: 'shop.test', status: 200, backend: 'shop', client: '127.0.0.1' });
    t.match(line, { requestBytes: 0, responseBytes: 5, tunnel: /^shop#[12]$/, agent: /^[0-9a-f]{16}$/ });
    t.ok(Number(line['headMs']) > 0 && Number(line['totalMs']) >= Number(line['headMs']));
    t.notOk('code' in line || 'retries' in line || 'abortedBy' in line);

    const posted = await request(
      t,
      proxy,
      'POST /app/post HTTP/1.1\r\nTransfer-Encoding: chunked',
      '3\r\nabc\r\n7\r\ndefghij\r\n0\r\n\r\n',
    );
    const second = await backend.take('/app/post');
    await second.wire.until('0\r\n\r\n');
    second.wire.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');
    second.release();
    t.equal((await readResponse(posted)).status, 201);
    t.match(await lineOf(proxy, '/app/post'), { status: 201, requestBytes: 10, responseBytes: 0 });

    const families = await scrape(port);
    t.equal(valueOf(families, 'inverting_proxy_exchanges_total', { ...shop, class: '2xx' }), 2);
    t.equal(valueOf(families, 'inverting_proxy_request_bytes_total', shop), 10);
    t.equal(valueOf(families, 'inverting_proxy_response_bytes_total', shop), 5);
    for (const name of ['head', 'exchange']) {
      t.equal(valueOf(families, `inverting_proxy_${name}_seconds_count`, shop), 2, name);
      t.ok(valueOf(families, `inverting_proxy_${name}_seconds_sum`, shop) > 0, name);
    }
    t.equal(valueOf(families, 'inverting_proxy_exchanges_in_flight', shop), 0);
    t.equal(valueOf(families, 'inverting_proxy_client_connections'), 2, 'both are kept open');
  });

  test('what nobody serves, and what is no HTTP', async (t) => {
    const lost = await request(t, proxy, 'GET /elsewhere HTTP/1.1');
    t.equal((await readResponse(lost)).status, 404);
    t.match(await lineOf(proxy, '/elsewhere'), { status: 404, code: 'no_route', host: 'shop.test' });
    const broken = await dial(t, proxy);
    broken.write('GET /app HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    const answer = await readResponse(broken);
    t.equal(answer.status, 400);
    const line = await proxy.program.line((candidate) => candidate['code'] === 'host_count');
    t.match(line, { status: 400, method: '', request: value(answer, 'x-request-id') });
    const families = await scrape(port);
    t.equal(valueOf(families, 'inverting_proxy_exchanges_total', { ...none, class: '4xx' }), 2);
    t.equal(valueOf(families, 'inverting_proxy_failures_total', { code: 'no_route' }), 1);
    t.equal(valueOf(families, 'inverting_proxy_failures_total', { code: 'host_count' }), 1);
    t.equal(valueOf(families, 'inverting_proxy_head_seconds_count', none), 0, 'no backend has said a head');
  });

  test('a body that is refused is one exchange with one line and one id', async (t) => {
    const posted = await request(t, proxy, 'POST /app/bad HTTP/1.1\r\nTransfer-Encoding: chunked');
    await backend.take('/app/bad');
    posted.write('x\r\n');
    const answer = await readResponse(posted);
    const line = await lineOf(proxy, '/app/bad');
    t.match(line, {
      status: 400,
      code: 'chunk_line',
      backend: 'shop',
      request: value(answer, 'x-request-id'),
    });
    await posted.left();
    t.equal(proxy.program.lines.filter(({ code }) => code === 'chunk_line').length, 1);
    const families = await scrape(port);
    t.equal(valueOf(families, 'inverting_proxy_failures_total', { code: 'chunk_line' }), 1);
    t.equal(valueOf(families, 'inverting_proxy_exchanges_total', { ...shop, class: '4xx' }), 1);
  });

  test('a request that is sent again', async (t) => {
    const client = await request(t, proxy, 'GET /app/again HTTP/1.1');
    (await backend.take('/app/again')).wire.reset();
    const second = await backend.take('/app/again');
    second.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    second.release();
    t.equal((await readResponse(client)).status, 200);
    t.match(await lineOf(proxy, '/app/again'), { status: 200, retries: 1 });
    t.equal(await counted('inverting_proxy_retries_total', shop), 1);
    t.equal(await counted('inverting_proxy_exchanges_total', { ...shop, class: '2xx' }), 3);
  });

  test('a WebSocket: in flight while it lasts, its bytes counted, its time in no histogram', async (t) => {
    const upgrade = 'GET /app/ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket';
    const client = await request(t, proxy, upgrade);
    const { wire } = await backend.take('/app/ws');
    wire.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    t.equal(status(await readHead(client)), 101);
    const before = await scrape(port);
    t.equal(valueOf(before, 'inverting_proxy_exchanges_in_flight', shop), 1);
    t.equal(valueOf(before, 'inverting_proxy_streams', shop), 1);
    client.write('to the backend');
    await wire.take(14);
    wire.write('back');
    await client.take(4);
    const during = await scrape(port);
    t.equal(valueOf(during, 'inverting_proxy_request_bytes_total', shop), 24, 'while it is open');
    t.equal(valueOf(during, 'inverting_proxy_response_bytes_total', shop), 9);
    client.end();
    await wire.left();
    wire.end();
    t.match(await lineOf(proxy, '/app/ws'), { status: 101, requestBytes: 14, responseBytes: 4 });
    const after = await scrape(port);
    t.equal(valueOf(after, 'inverting_proxy_exchanges_in_flight', shop), 0);
    t.equal(valueOf(after, 'inverting_proxy_exchanges_total', { ...shop, class: '1xx' }), 1);
    t.equal(valueOf(after, 'inverting_proxy_request_bytes_total', shop), 24);
    t.equal(valueOf(after, 'inverting_proxy_response_bytes_total', shop), 9);
    const wholes = (families: Families): number =>
      valueOf(families, 'inverting_proxy_exchange_seconds_count', shop);
    t.equal(wholes(after), wholes(before));
  });

  test('a download counts while it runs, and its client breaks it off', async (t) => {
    const client = await request(t, proxy, 'GET /app/cut HTTP/1.1');
    const { wire } = await backend.take('/app/cut');
    wire.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n');
    wire.write(Buffer.alloc(100_000));
    await readHead(client);
    await client.take(100_000);
    const during = await scrape(port);
    t.equal(valueOf(during, 'inverting_proxy_response_bytes_total', shop), 100_009);
    t.equal(valueOf(during, 'inverting_proxy_exchanges_in_flight', shop), 1);
    client.reset();
    t.match(await lineOf(proxy, '/app/cut'), { status: 200, responseBytes: 100_000, abortedBy: 'client' });
    const after = await scrape(port);
    t.equal(valueOf(after, 'inverting_proxy_aborts_total', { ...shop, by: 'client' }), 1);
    t.equal(valueOf(after, 'inverting_proxy_aborts_total', { ...shop, by: 'backend' }), 0);
    t.equal(valueOf(after, 'inverting_proxy_response_bytes_total', shop), 100_009, 'counted once');
    t.equal(valueOf(after, 'inverting_proxy_exchanges_in_flight', shop), 0);
  });

  test('a client that does not read: a stalled window and the bytes it holds, and neither when it is gone', async (t) => {
    const client = await request(t, proxy, 'GET /app/stalled HTTP/1.1');
    const { wire } = await backend.take('/app/stalled');
    wire.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
    await readHead(client);
    client.socket.pause();
    const piece = Buffer.alloc(1024 * 1024);
    const flow = setInterval(() => {
      if (wire.socket.writable && !wire.socket.writableNeedDrain) wire.socket.write(piece);
    }, 5);
    t.teardown(() => clearInterval(flow));
    const toClient = { ...shop, direction: 'to_client' };
    // Half a window and less may have been consumed and not be granted again: the rest is held.
    const leastHeldBytes = 131_072;
    let families = await scrape(port);
    const isStuck = (): boolean =>
      valueOf(families, 'inverting_proxy_stalled_windows', toClient) === 1 &&
      valueOf(families, 'inverting_proxy_held_bytes', shop) >= leastHeldBytes;
    for (let tries = 0; tries < 1_000 && !isStuck(); tries += 1) families = await scrape(port);
    t.equal(valueOf(families, 'inverting_proxy_stalled_windows', toClient), 1);
    t.equal(valueOf(families, 'inverting_proxy_stalled_windows', { ...shop, direction: 'to_backend' }), 0);
    t.ok(valueOf(families, 'inverting_proxy_held_bytes', shop) >= leastHeldBytes);
    client.reset();
    await lineOf(proxy, '/app/stalled');
    clearInterval(flow);
    const after = await scrape(port);
    t.equal(valueOf(after, 'inverting_proxy_stalled_windows', toClient), 0);
    t.equal(valueOf(after, 'inverting_proxy_held_bytes', shop), 0);
  });

  test("who is turned away at the agents' door is counted there, and is no exchange of a client", async (t) => {
    const before = await scrape(port);
    const client = await dial(t, proxy);
    client.write('GET /.well-known/inverting-proxy/agent?backend=shop HTTP/1.1\r\nHost: x\r\n\r\n');
    t.equal((await readResponse(client)).status, 401);
    const line = await lineOf(proxy, '/.well-known/inverting-proxy/agent');
    const refused = await proxy.program.line(({ msg, status: code }) => msg === 'exchange' && code === 401);
    t.match(line, { status: 101 }, 'the first line of that path was the agent that came in');
    const after = await scrape(port);
    t.equal(valueOf(after, 'inverting_proxy_agents_refused_total', { code: String(refused['code']) }), 1);
    t.equal(allExchanges(after), allExchanges(before));
  });

  test('no secret is in any answer', async (t) => {
    for (const path of ['/healthz', '/readyz', '/metrics', '/api/tunnels', '/none']) {
      const { body } = await ask(port, path);
      t.notMatch(body, /eyJ|secret=1/, path);
      t.notOk(body.includes(secret), path);
    }
  });

  test('while it drains it is alive and not ready, and it can be watched to the end', async (t) => {
    const client = await request(t, proxy, 'GET /app/last HTTP/1.1');
    const { wire, release } = await backend.take('/app/last');
    proxy.program.signal('SIGTERM');
    await proxy.program.line((line) => line['msg'] === 'stopping');
    t.strictSame([(await ask(port, '/healthz')).status, (await ask(port, '/readyz')).status], [200, 503]);
    const families = await scrape(port);
    t.equal(valueOf(families, 'inverting_proxy_exchanges_in_flight', shop), 1);
    const states = families.get('inverting_proxy_links')?.series.map(({ labels }) => labels['state']) ?? [];
    t.ok(states.length > 0 && states.every((state) => state === 'leaving'), states.join());
    wire.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    release();
    t.equal((await readResponse(client)).status, 200);
    t.strictSame(await proxy.program.end(), { code: 0, signal: null });
  });
}

if (productOnly.skip === undefined) await suite();
else test('the product is not in the path', productOnly, (t) => t.end());
