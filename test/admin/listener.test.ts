/** The listener's doors: tokens, hosts, origins and methods; and its bounds: heads, bodies, slow and many clients. */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { connect } from 'node:net';
import { test } from 'tap';
import type { Test } from 'tap';
import { AdminListener, ListenFailure } from '../../shared/admin/listener.ts';
import type { Page } from '../../shared/admin/listener.ts';
import type { LogFields } from '../../shared/log/log.ts';
import { readResponse } from '../e2e/support/message.ts';
import { dial } from '../e2e/support/wire.ts';
import { ask } from './support/ask.ts';
import type { Asking } from './support/ask.ts';

const token = 'correct horse battery staple, 32+';
const text = 'text/plain; charset=utf-8';

const pages: readonly Page[] = [
  { path: '/open', isOpen: true, answer: () => ({ status: 200, type: text, body: 'open\n' }) },
  { path: '/shut', answer: () => ({ status: 200, type: text, body: 'shut: ä\n' }) },
  { path: '/unready', isOpen: true, answer: () => ({ status: 503, type: text, body: 'not ready\n' }) },
  {
    path: '/broken',
    answer: () => {
      throw new Error('broken: with a secret reason');
    },
  },
];

async function listen(
  t: Test,
  withToken?: string,
): Promise<{ port: number; listener: AdminListener; errors: LogFields[] }> {
  const errors: LogFields[] = [];
  const note = (fields: LogFields): void => void errors.push(fields);
  const log = { debug: note, info: note, warn: note, error: note };
  const listener = new AdminListener({ host: '127.0.0.1', port: 0, token: withToken, pages, log });
  const { port } = await listener.listen();
  t.teardown(() => listener.close());
  return { port, listener, errors };
}

const bearer = (value: string): Asking => ({ headers: { authorization: `Bearer ${value}` } });

test('without a token: who comes from this machine and not from a web page', async (t) => {
  const { port } = await listen(t);
  const rows: readonly (readonly [what: string, headers: Record<string, string>, status: number])[] = [
    ['a tool', {}, 200],
    ['by name', { host: 'localhost' }, 200],
    ['by name and port', { host: `LOCALHOST:${port}` }, 200],
    ['with a dot', { host: 'localhost.:9090' }, 200],
    ['another loopback address', { host: '127.9.9.9:1' }, 200],
    ['IPv6', { host: `[::1]:${port}` }, 200],
    ['a browser in which a person typed the address', { 'sec-fetch-site': 'none' }, 200],
    ['DNS rebinding', { host: 'evil.example:9090' }, 403],
    ['a name that only begins so', { host: 'localhost.evil.example' }, 403],
    ['a name that looks like an address', { host: '127.0.0.1.evil.example' }, 403],
    ['the address of everything', { host: '0.0.0.0' }, 403],
    ['IPv6 of another', { host: '[fe80::1]' }, 403],
    ['IPv6 without its end', { host: '[::1' }, 403],
    ['a web page', { origin: 'https://evil.example' }, 403],
    ['a sandboxed page', { origin: 'null' }, 403],
    ['a page of this machine', { origin: 'http://localhost:3000' }, 403],
    ['an image in a web page', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of another port', { 'sec-fetch-site': 'same-site' }, 403],
  ];
  for (const [what, headers, status] of rows) {
    for (const path of ['/open', '/shut']) {
      const answer = await ask(port, path, { headers });
      t.equal(answer.status, status, `${what} ${path}`);
      if (status !== 200)
        t.notMatch(answer.body, /shut|evil|3000/, `${what}: nothing of the page or the request`);
    }
  }
  for (const head of ['GET /open HTTP/1.0\r\n\r\n', 'GET /open HTTP/1.1\r\nHost: \r\n\r\n']) {
    const wire = await dial(t, { host: '127.0.0.1', port });
    wire.write(head);
    t.equal((await readResponse(wire)).status, 403, JSON.stringify(head));
  }
});

test('with a token: whoever carries it, from wherever; open pages need none', async (t) => {
  const { port } = await listen(t, token);
  const rows: readonly (readonly [what: string, path: string, asking: Asking, status: number])[] = [
    ['no token', '/shut', {}, 401],
    ['the token', '/shut', bearer(token), 200],
    ['another word for the scheme', '/shut', { headers: { authorization: `bEaReR ${token}` } }, 200],
    ['from elsewhere', '/shut', { headers: { ...bearer(token).headers, host: 'proxy.internal' } }, 200],
    ['another token', '/shut', bearer(`${token}x`), 401],
    ['part of the token', '/shut', bearer(token.slice(0, -1)), 401],
    ['an empty token', '/shut', bearer(''), 401],
    ['the token without a scheme', '/shut', { headers: { authorization: token } }, 401],
    ['another scheme', '/shut', { headers: { authorization: `Basic ${token}` } }, 401],
    ['the token in the query', `/shut?token=${encodeURIComponent(token)}`, {}, 401],
    ['an open page', '/open', {}, 200],
    ['an open page with a query', '/open?x', {}, 200],
    ['an open page from elsewhere', '/open', { headers: { host: '10.0.0.7:9090' } }, 200],
    ['a page that is not there, without a token', '/none', {}, 401],
    ['a page that is not there', '/none', bearer(token), 404],
    ['a longer way to a page', '/open/../shut', {}, 401],
    ['a whole URL', 'http://localhost/open', {}, 401],
  ];
  for (const [what, path, asking, status] of rows) {
    const answer = await ask(port, path, asking);
    t.equal(answer.status, status, what);
    t.equal(answer.headers['www-authenticate'], status === 401 ? 'Bearer realm="admin"' : undefined, what);
    t.notMatch(JSON.stringify(answer), token, `${what}: the token is in no answer`);
  }
});

test('there is nothing to do but to look', async (t) => {
  const { port } = await listen(t);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'PURGE']) {
    const { status, headers } = await ask(port, '/open', { method });
    t.strictSame([status, headers.allow, headers.connection], [405, 'GET, HEAD', 'close'], method);
  }
  const head = await ask(port, '/shut', { method: 'HEAD' });
  t.strictSame([head.status, head.headers['content-length'], head.body], [200, '9', '']);
  t.equal((await ask(port, '/unready')).status, 503);
  const connecting = await dial(t, { host: '127.0.0.1', port });
  connecting.write('CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n');
  t.equal(await connecting.left(), 'fin', 'CONNECT');
});

test('an answer is for whoever asked, and for no page and no cache', async (t) => {
  const { port } = await listen(t);
  for (const [path, status] of [
    ['/shut', 200],
    ['/none', 404],
  ] as const) {
    const answer = await ask(port, path);
    t.match(answer.headers, {
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
    });
    t.equal(answer.status, status);
    t.equal(answer.headers['access-control-allow-origin'], undefined);
  }
  t.match((await ask(port, '/none')).body, '/open /shut', 'what there is');
});

test('a page that cannot be made is a 500 that says nothing, and the log says why', async (t) => {
  const { port, errors } = await listen(t);
  const { status, body } = await ask(port, '/broken');
  t.equal(status, 500);
  t.notMatch(body, 'secret');
  t.match(errors, [{ page: '/broken', error: { message: 'broken: with a secret reason' } }]);
  t.equal((await ask(port, '/shut')).status, 200, 'the next one is well');
});

test('a request with a body is refused, and its body is not read', async (t) => {
  const { port } = await listen(t);
  for (const fields of ['Content-Length: 1000000000', 'Transfer-Encoding: chunked']) {
    const wire = await dial(t, { host: '127.0.0.1', port });
    wire.write(`GET /shut HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n\r\n`);
    t.equal((await readResponse(wire)).status, 400, fields);
    await wire.closed();
  }
  t.equal((await ask(port, '/shut', { headers: { 'content-length': '0' } })).status, 200);
});

test('a head beyond the bound is refused, and so is what is no HTTP', async (t) => {
  const { port } = await listen(t);
  const rows: readonly (readonly [what: string, bytes: string, status: number])[] = [
    ['a long field', `GET /open HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`, 431],
    ['a long target', `GET /${'x'.repeat(9_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ['no HTTP', '\u0016\u0003\u0001\u0002\u0000', 400],
    ['no Host', 'GET /open HTTP/1.1\r\n\r\n', 400],
  ];
  for (const [what, bytes, status] of rows) {
    const wire = await dial(t, { host: '127.0.0.1', port });
    wire.write(bytes);
    t.equal((await readResponse(wire)).status, status, what);
    await wire.closed();
  }
});

test('who is slow is let go, in silence or with a 408', async (t) => {
  const { port } = await listen(t);
  const silent = await dial(t, { host: '127.0.0.1', port });
  const dripping = await dial(t, { host: '127.0.0.1', port });
  const idle = await dial(t, { host: '127.0.0.1', port });
  idle.write('GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n');
  t.equal((await readResponse(idle)).status, 200);
  dripping.write('GET /open HTTP/1.1\r\nX: ');
  // A byte now and then extends nothing: the deadline is that of the whole head.
  const drip = setInterval(() => dripping.write('x'), 100);
  t.teardown(() => clearInterval(drip));
  const startedMs = performance.now();
  await Promise.all([silent.closed(15_000), dripping.left(15_000), idle.closed(15_000)]);
  const tookMs = performance.now() - startedMs;
  t.ok(tookMs > 2_000 && tookMs < 12_000, `after ${Math.round(tookMs)} ms`);
});

test('so many connections and no more', async (t) => {
  const { port } = await listen(t);
  const sockets = Array.from({ length: 80 }, () => connect(port, '127.0.0.1'));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
  });
  const lost = sockets.map(
    (socket) => new Promise((resolve) => socket.on('error', resolve).once('close', resolve)),
  );
  // The first ones to go are those beyond the bound: the others have five seconds.
  await Promise.race(lost.slice(64));
  t.ok(
    sockets.slice(0, 32).every((socket) => !socket.destroyed),
    'who was there first stays',
  );
});

test('a port that is taken is said by its setting', async (t) => {
  const { port } = await listen(t);
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const second = new AdminListener({ host: '127.0.0.1', port, token: undefined, pages, log });
  await t.rejects(second.listen(), {
    name: ListenFailure.name,
    code: 'admin_port',
    message: `ADMIN_PORT ${port} on ADMIN_HOST 127.0.0.1 is taken: give another port, 0 for a free one, or off`,
  });
  const elsewhere = new AdminListener({ host: '192.0.2.1', port: 0, token, pages, log });
  await t.rejects(elsewhere.listen(), {
    message: /^ADMIN_PORT 0 on ADMIN_HOST 192\.0\.2\.1 cannot be had \(E[A-Z]+\): /,
  });
});

test('closing waits for nobody who only holds a connection open', async (t) => {
  const { port, listener } = await listen(t);
  const idle = await dial(t, { host: '127.0.0.1', port });
  idle.write('GET /open HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await readResponse(idle);
  const half = await dial(t, { host: '127.0.0.1', port });
  half.write('GET /open HTTP/1.1\r\n');
  const startedMs = performance.now();
  await listener.close();
  t.ok(performance.now() - startedMs < 3_000);
  await t.rejects(ask(port, '/open'), { code: 'ECONNREFUSED' });
});
