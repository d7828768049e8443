/** Resources of the admin listener: who may change something, which bodies are taken, and what is answered in JSON. */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { test } from 'tap';
import type { Test } from 'tap';
import { AdminListener } from '../../shared/admin/listener.ts';
import { maxBodyBytes, ResourceRefusal } from '../../shared/admin/resources.ts';
import type { Resource, ResourceRequest } from '../../shared/admin/resources.ts';
import { readResponse } from '../e2e/support/message.ts';
import { dial } from '../e2e/support/wire.ts';
import { ask } from './support/ask.ts';

const token = 'correct horse battery staple, 32+';
const authorization = `Bearer ${token}`;
const jsonType = 'application/json';

interface Listening {
  readonly port: number;
  readonly seen: ResourceRequest[];
}

async function listen(
  t: Test,
  withToken: string | undefined = token,
  host = '127.0.0.1',
): Promise<Listening> {
  const seen: ResourceRequest[] = [];
  const noted = (request: ResourceRequest): void => void seen.push(request);
  const resources: Resource[] = [
    {
      path: '/api/things',
      methods: {
        GET: () => ({ status: 200, json: { things: [] } }),
        POST: (request) => {
          noted(request);
          return { status: 201, json: { made: request.body }, headers: { Location: '/api/things/new' } };
        },
      },
    },
    {
      path: '/api/things/{id}',
      methods: {
        GET: ({ id }) => ({ status: 200, json: { id }, headers: { ETag: '"1"' } }),
        PUT: (request) => {
          noted(request);
          if (request.id === 'taken') throw new ResourceRefusal(409, 'thing_taken', 'The thing is taken.');
          if (request.id === 'broken') throw new Error('broken: with a secret reason');
          return { status: 200, json: {} };
        },
        DELETE: (request) => {
          noted(request);
          return { status: 204 };
        },
      },
    },
  ];
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const listener = new AdminListener({ host, port: 0, token: withToken, pages: [], resources, log });
  const { port } = await listener.listen();
  t.teardown(() => listener.close());
  return { port, seen };
}

const json = { authorization, 'content-type': jsonType };

test('who may change something: whoever has the token, and no web page', async (t) => {
  const rows: readonly (readonly [what: string, headers: Record<string, string>, status: number])[] = [
    ['a tool with the token', {}, 204],
    ['by name', { host: 'localhost:9090' }, 204],
    ['without the token', { authorization: '' }, 401],
    ['with another', { authorization: `${authorization}x` }, 401],
    ['a web page with the token', { origin: 'https://evil.example' }, 403],
    ['a page of this machine with the token', { origin: 'http://localhost:3000' }, 403],
    ['a sandboxed page with the token', { origin: 'null' }, 403],
    ['a browser for another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['DNS rebinding', { host: 'evil.example:9090' }, 403],
  ];
  const { port, seen } = await listen(t);
  for (const [what, headers, status] of rows) {
    const before = seen.length;
    const answer = await ask(port, '/api/things/a', {
      method: 'DELETE',
      headers: { authorization, ...headers },
    });
    t.equal(answer.status, status, what);
    t.equal(seen.length - before, status === 204 ? 1 : 0, `${what}: handled or not`);
    t.notMatch(answer.body, token, what);
    if (status !== 204) t.equal(answer.headers['content-type'], jsonType, what);
  }
  const elsewhere = await listen(t, token, '0.0.0.0');
  for (const [host, status] of [
    ['proxy.internal:9090', 204],
    ['evil.example', 204],
  ] as const) {
    const asking = { method: 'DELETE', headers: { authorization, host } };
    t.equal((await ask(elsewhere.port, '/api/things/a', asking)).status, status, 'beyond loopback any name');
  }
});

test('without ADMIN_TOKEN nothing can be changed, not even from this machine', async (t) => {
  const listener = new AdminListener({
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    pages: [],
    resources: [
      {
        path: '/api/things',
        methods: { GET: () => ({ status: 200, json: 1 }), POST: () => ({ status: 201, json: 'made' }) },
      },
    ],
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const { port } = await listener.listen();
  t.teardown(() => listener.close());
  t.equal((await ask(port, '/api/things')).status, 200);
  const { status, body } = await ask(port, '/api/things', {
    method: 'POST',
    headers: { 'content-type': jsonType },
    body: '{}',
  });
  t.equal(status, 403);
  t.match(JSON.parse(body), { code: 'read_only', reason: /ADMIN_TOKEN/ });
});

test('methods, paths and answers', async (t) => {
  const { port, seen } = await listen(t);
  const rows: readonly (readonly [method: string, path: string, status: number, allow?: string])[] = [
    ['GET', '/api/things', 200],
    ['HEAD', '/api/things', 200],
    ['PUT', '/api/things', 405, 'GET, HEAD, POST'],
    ['OPTIONS', '/api/things', 405, 'GET, HEAD, POST'],
    ['POST', '/api/things/a', 405, 'GET, HEAD, PUT, DELETE'],
    ['PATCH', '/api/things/a', 405, 'GET, HEAD, PUT, DELETE'],
    ['GET', '/api/things/a?x=y', 200],
    ['GET', '/api/things/', 404],
    ['GET', '/api/things/a/b', 404],
    ['GET', '/api/things/%zz', 404],
    ['GET', '/api/thing', 404],
    ['GET', '/', 404],
    ['GET', '*', 404],
  ];
  for (const [method, path, status, allow] of rows) {
    const answer = await ask(port, path, { method, headers: { authorization } });
    t.strictSame([answer.status, answer.headers.allow], [status, allow], `${method} ${path}`);
    t.equal(answer.headers['access-control-allow-origin'], undefined);
    t.equal(answer.headers['cache-control'], 'no-store');
  }
  t.equal(
    (await ask(port, '/api/things/a%2Fb', { headers: { authorization } })).body,
    '{\n  "id": "a/b"\n}\n',
  );
  t.equal((await ask(port, '/api/things/a', { headers: { authorization } })).headers.etag, '"1"');
  const made = await ask(port, '/api/things', { method: 'POST', headers: json, body: '{"ä":1}' });
  t.equal(made.status, 201);
  t.equal(made.headers.location, '/api/things/new');
  t.strictSame(JSON.parse(made.body), { made: { ä: 1 } });
  const put = { method: 'PUT', headers: { ...json, 'if-match': '"1"' }, body: '[]' };
  await ask(port, '/api/things/x', put);
  t.strictSame(seen.at(-1), { id: 'x', body: [], ifMatch: '"1"' });
  const taken = await ask(port, '/api/things/taken', put);
  t.equal(taken.status, 409);
  t.strictSame(JSON.parse(taken.body), { code: 'thing_taken', reason: 'The thing is taken.' });
  const broken = await ask(port, '/api/things/broken', put);
  t.equal(broken.status, 500);
  t.notMatch(broken.body, 'secret');
  const gone = await ask(port, '/api/things/x', { method: 'DELETE', headers: { authorization } });
  t.strictSame([gone.status, gone.body, gone.headers['content-length']], [204, '', undefined]);
});

test('which bodies are taken', async (t) => {
  const { port, seen } = await listen(t);
  const large = JSON.stringify('x'.repeat(maxBodyBytes));
  const rows: readonly (readonly [
    what: string,
    type: string | undefined,
    body: string | Buffer,
    status: number,
  ])[] = [
    ['JSON', jsonType, '{"a":[1]}', 201],
    ['with a charset', 'application/json; charset=utf-8', '1', 201],
    ['as large as may be', jsonType, JSON.stringify('x'.repeat(maxBodyBytes - 2)), 201],
    ['no type', undefined, '{}', 415],
    ['a form', 'application/x-www-form-urlencoded', '{}', 415],
    ['what a page may send without asking', 'text/plain', '{}', 415],
    ['a longer name', 'application/jsonp', '{}', 415],
    ['nothing', jsonType, '', 400],
    ['half of it', jsonType, '{"a":', 400],
    ['no UTF-8', jsonType, Buffer.from([0x22, 0xff, 0x22]), 400],
    ['too large', jsonType, large, 413],
  ];
  for (const [what, type, body, status] of rows) {
    const headers = { authorization, ...(type === undefined ? {} : { 'content-type': type }) };
    const before = seen.length;
    const answer = await ask(port, '/api/things', { method: 'POST', headers, body });
    t.equal(answer.status, status, what);
    t.equal(seen.length - before, status === 201 ? 1 : 0, what);
  }
  const chunk = 'x'.repeat(0x8000);
  const wire = await dial(t, { host: '127.0.0.1', port });
  const fields = `Host: localhost\r\nAuthorization: ${authorization}\r\nContent-Type: ${jsonType}`;
  wire.write(`POST /api/things HTTP/1.1\r\n${fields}\r\nTransfer-Encoding: chunked\r\n\r\n`);
  for (let sent = 0; sent <= maxBodyBytes; sent += chunk.length) wire.write(`8000\r\n${chunk}\r\n`);
  t.equal((await readResponse(wire)).status, 413, 'too large, without a length');
  await wire.closed();
  t.equal(
    (await ask(port, '/api/things', { headers: { authorization } })).status,
    200,
    'the next one is well',
  );
});

test('who leaves in the middle of a body leaves nothing behind', async (t) => {
  const { port, seen } = await listen(t);
  const wire = await dial(t, { host: '127.0.0.1', port });
  const fields = `Host: localhost\r\nAuthorization: ${authorization}\r\nContent-Type: ${jsonType}`;
  wire.write(`POST /api/things HTTP/1.1\r\n${fields}\r\nContent-Length: 10\r\n\r\n{"a"`);
  wire.socket.destroy();
  t.equal((await ask(port, '/api/things', { headers: { authorization } })).status, 200);
  t.equal(seen.length, 0);
});
