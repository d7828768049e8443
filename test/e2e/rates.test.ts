/**
 * Limits of requests through real processes: what is one too many hears 429 and when to come again, and whatever way an
 * exchange ends, its place is free afterwards.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { setImmediate as turn } from 'node:timers/promises';
import { test, type Test } from 'tap';
import { adminPortOf, ask as askAdmin } from '../admin/support/ask.ts';
import { patienceMs } from './support/deadline.ts';
import { readHead, readResponse, status, value, type Message } from './support/message.ts';
import { Recorder } from './support/recorder.ts';
import {
  createSecret,
  isDirect,
  linksUp,
  mintToken,
  productOnly,
  type Proxy,
  startAgent,
  startProxy,
  startTunnel,
} from './support/tunnel.ts';
import { dial, type Target, type Wire } from './support/wire.ts';

const adminToken = 'an admin token of more than 32 bytes';
const door = '/.well-known/inverting-proxy/agent';

async function send(t: Test, target: Target, path: string, lines: readonly string[] = []): Promise<Wire> {
  const client = await dial(t, target);
  client.write([`GET ${path} HTTP/1.1`, 'Host: shop.example.com', ...lines, '', ''].join('\r\n'));
  return client;
}

async function get(t: Test, target: Target, path: string, lines?: readonly string[]): Promise<Message> {
  return readResponse(await send(t, target, path, lines));
}

function isTooMany(t: Test, message: Message): void {
  t.equal(message.status, 429);
  t.match(value(message, 'retry-after'), /^[1-9]\d*$/);
  t.match(value(message, 'proxy-status'), /error=http_request_denied; details="too_many_requests"$/);
}

/** The proxy sees that an exchange is over a moment after its client does: asks until there is room. */
async function takesOne(
  t: Test,
  tunnel: Target,
  backend: Recorder,
  path: string,
  after: string,
): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  for (let tries = 0; performance.now() < deadlineMs; tries += 1) {
    const target = `${path}-${tries}`;
    const answered = readResponse(await send(t, tunnel, target));
    const asked = await Promise.race([
      answered.then(() => undefined),
      backend.take(target).catch(() => undefined),
    ]);
    if (asked === undefined) {
      isTooMany(t, await answered);
      await turn();
      continue;
    }
    asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    t.equal((await answered).status, 200, `there is room after ${after}`);
    asked.release();
    return;
  }
  t.fail(`no room after ${after}`);
}

function suite(): void {
  test('so many at the same time; a place is free again however an exchange ends', async (t) => {
    const backend = await Recorder.listen(t);
    const tunnel = await startTunnel(t, {
      backend: Number(backend.address),
      proxyEnv: { MAX_CONCURRENT_REQUESTS_PER_ADDRESS: '1', RESPONSE_TIMEOUT: '1s' },
    });
    let number = 0;
    const begin = async (lines?: readonly string[]) => {
      number += 1;
      const path = `/${number}`;
      const client = await send(t, tunnel, path, lines);
      const asked = await backend.take(path);
      isTooMany(t, await get(t, tunnel, '/one-too-many'));
      return { client, asked };
    };
    const done = (after: string): Promise<void> => takesOne(t, tunnel, backend, `/after-${number}`, after);

    const whole = await begin();
    whole.asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    t.equal((await readResponse(whole.client)).status, 200);
    whole.asked.release();
    await done('an answer');

    const left = await begin();
    left.client.reset();
    await done('a client that left before the answer');

    const cut = await begin();
    cut.asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await readHead(cut.client);
    cut.asked.wire.socket.destroy();
    await cut.client.left();
    await done('a backend that broke its answer off');

    const silent = await begin();
    t.equal((await readResponse(silent.client)).status, 504);
    await done('a backend that said nothing');

    const early = await begin();
    early.asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await readHead(early.client);
    early.client.reset();
    await done('a client that left in the middle of the answer');

    const upgraded = await begin(['Connection: Upgrade', 'Upgrade: echo']);
    upgraded.asked.wire.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
    );
    t.equal(status(await readHead(upgraded.client)), 101);
    isTooMany(t, await get(t, tunnel, '/beside-an-upgrade'));
    upgraded.client.reset();
    await done('an upgraded connection');

    await tunnel.agent?.kill();
    t.equal((await get(t, tunnel, '/offline')).status, 503);
    t.equal((await get(t, tunnel, '/offline')).status, 503, 'also where nobody was there to answer');
  });

  test('so many in a second, also for what leads nowhere; and as told there is room again', async (t) => {
    const proxy = await startProxy(t, {
      secret: createSecret(),
      env: { MAX_REQUESTS_PER_SECOND_PER_ADDRESS: '1', QUEUE_TIMEOUT: '0', TRUSTED_PROXIES: '127.0.0.1' },
    });
    const from = (address: string): Promise<Message> => get(t, proxy, '/', [`X-Forwarded-For: ${address}`]);
    t.equal((await from('192.0.2.1')).status, 503);
    const refused = await from('192.0.2.1');
    isTooMany(t, refused);
    t.equal((await from('192.0.2.2')).status, 503, 'another address');
    t.equal((await from('2001:db8::1')).status, 503);
    isTooMany(t, await from('2001:db8::2'));
    await new Promise((resolve) => setTimeout(resolve, Number(value(refused, 'retry-after')) * 1_000));
    t.equal((await from('192.0.2.1')).status, 503);
  });

  test('a record limits its backend, and how large a body may be, from the next request on', async (t) => {
    const backend = await Recorder.listen(t);
    const tunnel = await startTunnel(t, {
      backend: Number(backend.address),
      proxyEnv: { ADMIN_TOKEN: adminToken },
    });
    const { proxy } = tunnel;
    if (proxy === undefined) throw new Error('the product is in the path');
    const port = await adminPortOf(proxy);
    const limit = async (limits: object): Promise<void> => {
      const headers = { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' };
      const body = JSON.stringify({ limits });
      const { status: said } = await askAdmin(port, '/api/backends/default', {
        method: 'PUT',
        headers,
        body,
      });
      t.ok(said === 200 || said === 201);
    };
    await limit({ concurrentRequests: 1 });
    const client = await send(t, tunnel, '/first');
    const asked = await backend.take('/first');
    isTooMany(t, await get(t, tunnel, '/second'));
    asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
    t.equal((await readResponse(client)).status, 204);
    asked.release();
    await takesOne(t, tunnel, backend, '/third', 'the first');

    await limit({ maxBodyBytes: 10 });
    const sized = await dial(t, tunnel);
    sized.write('POST /sized HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: 11\r\n\r\n');
    t.equal((await readResponse(sized)).status, 413, 'before any of it is there');
    const chunked = await dial(t, tunnel);
    chunked.write(
      'POST /chunked HTTP/1.1\r\nHost: shop.example.com\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n',
    );
    const begun = await backend.take('/chunked');
    chunked.write('1\r\nx\r\n');
    t.equal((await readResponse(chunked)).status, 413, 'where it grows too large');
    await begun.wire.left();
    t.notMatch(begun.wire.unread.toString(), 'x', 'and the backend gets no more than may be');
    const fits = await dial(t, tunnel);
    fits.write('POST /fits HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: 10\r\n\r\n0123456789');
    (await backend.take('/fits')).wire.write('HTTP/1.1 204 No Content\r\n\r\n');
    t.equal((await readResponse(fits)).status, 204);
  });

  test('bad tokens slow an address; a good one from there is let in at once', async (t) => {
    const backend = await Recorder.listen(t);
    const secret = createSecret();
    const env = { MAX_FAILURES_PER_ADDRESS: '3', FAILURE_WINDOW: '1h' };
    const proxy: Proxy = await startProxy(t, { secret, env });
    const knock = (token: string): Promise<Message> =>
      get(t, proxy, `${door}?backend=default`, [
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Protocol: inverting-proxy.v1',
        `Authorization: Bearer ${token}`,
      ]);
    for (let count = 0; count < 3; count += 1) t.equal((await knock('not.a.token')).status, 401);
    const refused = await knock('not.a.token');
    isTooMany(t, refused);
    t.equal(value(refused, 'retry-after'), '3600');
    t.match(refused.body.toString(), '"reason":"too many bad tokens came from this address"');
    const token = await mintToken(t, secret, ['--backend', 'default']);
    await linksUp(startAgent(t, { proxy, token, backend: Number(backend.address), env: { LINKS: '1' } }), 1);
    // The log is in order: what stands before this line is all there was.
    await proxy.program.line((line) => line['msg'] === 'agent connected');
    const lines = proxy.program.lines.filter((line) => line['msg'] === 'agent refused');
    t.equal(lines.length, 3, 'and the log has the first ones alone');
  });
}

if (isDirect) test('rates', productOnly, () => {});
else suite();
