/**
 * HTTP as it happens (RFC 9110, RFC 9112): interim answers, answers without a body, ends by closing, old clients, trailers,
 * pipelines, connections that are kept. Each row is what one client and one backend say to each other.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { t as file, test, type Test } from 'tap';
import {
  chunk,
  ChunkedBody,
  lastChunk,
  type Message,
  readHead,
  readResponse,
  status,
  value,
  values,
} from './support/message.ts';
import { type Asked, Recorder } from './support/recorder.ts';
import { isDirect, productOnly, startTunnel } from './support/tunnel.ts';
import { dial, type Wire } from './support/wire.ts';

const backend = await Recorder.listen(file);
const tunnel = await startTunnel(file, { backend: backend.address });

/** One exchange on a fresh connection: what the client says, what the backend answers, what the client gets. */
async function exchange(
  t: Test,
  request: { method?: string; path: string; version?: string; lines?: string; body?: string },
  answer: string,
): Promise<{ client: Wire; asked: Asked; message: Message }> {
  const { method = 'GET', path, version = '1.1', lines = '', body = '' } = request;
  const client = await dial(t, tunnel);
  client.write(`${method} ${path} HTTP/${version}\r\nHost: semantics.test\r\n${lines}\r\n${body}`);
  const asked = await backend.take(path);
  asked.wire.write(answer);
  return { client, asked, message: await readResponse(client, method) };
}

test('a client that waits for 100 (Continue) gets the one of the backend', async (t) => {
  const client = await dial(t, tunnel);
  client.write(
    'PUT /continue HTTP/1.1\r\nHost: semantics.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n',
  );
  const asked = await backend.take('/continue');
  t.match(value(asked, 'expect'), /^100-continue$/i);
  t.equal(client.unread.length, 0, 'nobody but the backend says 100');
  asked.wire.write('HTTP/1.1 100 Continue\r\n\r\n');
  t.equal(status(await readHead(client)), 100);
  client.write('body');
  t.equal((await asked.wire.take(4)).toString(), 'body');
  asked.wire.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n');
  t.equal((await readResponse(client)).status, 201);
  asked.release();
});

test('a backend may answer without ever saying 100', async (t) => {
  const client = await dial(t, tunnel);
  client.write(
    'PUT /no-continue HTTP/1.1\r\nHost: semantics.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n',
  );
  const asked = await backend.take('/no-continue');
  asked.wire.write('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
  asked.wire.end();
  const message = await readResponse(client);
  t.equal(message.status, 417);
  t.equal(message.body.toString(), 'no');
});

test('103 (Early Hints) and other interim answers come through, in order, before the final one', async (t) => {
  const client = await dial(t, tunnel);
  client.write('GET /hints HTTP/1.1\r\nHost: semantics.test\r\n\r\n');
  const asked = await backend.take('/hints');
  asked.wire.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n');
  const hint = await readHead(client);
  t.equal(status(hint), 103, 'at once, while the backend still works on the answer');
  t.equal(value(hint, 'link'), '</a.css>; rel=preload');
  asked.wire.write('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  t.equal(status(await readHead(client)), 102);
  t.equal((await readResponse(client)).body.toString(), 'ok');
  asked.release();
});

test('interim answers are not for an HTTP/1.0 client (RFC 9110 §15.2)', productOnly, async (t) => {
  const { message, asked } = await exchange(
    t,
    { path: '/hints-1.0', version: '1.0' },
    'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  );
  t.equal(message.status, 200);
  t.equal(message.body.toString(), 'ok');
  asked.release();
});

for (const [what, method, answer, length] of [
  [
    'HEAD keeps the Content-Length of what it does not send',
    'HEAD',
    'HTTP/1.1 200 OK\r\nContent-Length: 12345',
    '12345',
  ],
  [
    'HEAD of a chunked resource has no body',
    'HEAD',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked',
    undefined,
  ],
  ['204 has no body', 'DELETE', 'HTTP/1.1 204 No Content\r\nX-Left: nothing', undefined],
  [
    '304 keeps the Content-Length of what it does not send',
    'GET',
    'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 999',
    '999',
  ],
] as const) {
  test(`${what}, and the connection goes on`, async (t) => {
    const path = `/${what.replaceAll(' ', '-')}`;
    const { client, asked, message } = await exchange(t, { method, path }, `${answer}\r\n\r\n`);
    t.equal(value(message, 'content-length'), length);
    asked.release();
    client.write(`GET ${path}/next HTTP/1.1\r\nHost: semantics.test\r\n\r\n`);
    const next = await backend.take(`${path}/next`);
    next.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext');
    t.equal((await readResponse(client)).body.toString(), 'next');
    next.release();
  });
}

test('an answer that ends with the connection is chunked for an HTTP/1.1 client', async (t) => {
  const client = await dial(t, tunnel);
  client.write('GET /closes HTTP/1.1\r\nHost: semantics.test\r\n\r\n');
  const asked = await backend.take('/closes');
  asked.wire.write('HTTP/1.1 200 OK\r\n\r\nfirst half, ');
  if (isDirect) {
    asked.wire.write('second half');
    asked.wire.end();
    t.equal((await readResponse(client)).body.toString(), 'first half, second half');
    return;
  }
  const head = await readHead(client);
  t.equal(value(head, 'transfer-encoding'), 'chunked');
  const body = new ChunkedBody(client);
  t.equal((await body.take(12)).toString(), 'first half, ', 'what has come is not held back');
  asked.wire.write('second half');
  asked.wire.end();
  t.equal((await body.rest()).bytes.toString(), 'second half');
});

for (const [what, answer] of [
  ['a close-delimited', 'HTTP/1.1 200 OK\r\n\r\nthe whole body'],
  [
    'a chunked',
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk('the whole body').toString()}${lastChunk}`,
  ],
  ['a sized', 'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\nthe whole body'],
] as const) {
  test(
    `an HTTP/1.0 client gets ${what} answer as it can read it, and then the end`,
    productOnly,
    async (t) => {
      const path = `/1.0/${what.slice(2)}`;
      const client = await dial(t, tunnel);
      client.write(`GET ${path} HTTP/1.0\r\nHost: semantics.test\r\n\r\n`);
      const asked = await backend.take(path);
      t.match(asked.startLine, /HTTP\/1\.1$/, 'the backend is always spoken to in HTTP/1.1');
      asked.wire.write(answer);
      if (what === 'a close-delimited') asked.wire.end();
      const message = await readResponse(client);
      t.same(values(message, 'transfer-encoding'), [], 'no chunks: RFC 9112 §6.1');
      t.equal(message.body.toString(), 'the whole body');
      t.equal(await client.left(), 'fin');
      asked.release();
    },
  );
}

test('trailers go through in both directions', async (t) => {
  const client = await dial(t, tunnel);
  client.write(
    'POST /trailers HTTP/1.1\r\nHost: semantics.test\r\nTE: trailers\r\nConnection: TE\r\n' +
      'Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n',
  );
  client.write(`${chunk('some body').toString()}0\r\nX-Sum: 42\r\nX-More: yes\r\n\r\n`);
  const asked = await backend.take('/trailers');
  t.equal(value(asked, 'te'), 'trailers');
  const up = await new ChunkedBody(asked.wire).rest();
  t.equal(up.bytes.toString(), 'some body');
  t.same(up.trailers, ['X-Sum: 42', 'X-More: yes']);
  asked.wire.write(
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Time\r\n\r\n` +
      `${chunk('an answer').toString()}0\r\nX-Time: 7\r\n\r\n`,
  );
  const message = await readResponse(client);
  t.equal(message.body.toString(), 'an answer');
  t.same(message.trailers, ['X-Time: 7']);
  asked.release();
});

test('trailers are kept from a client that did not ask for them', productOnly, async (t) => {
  const { message, asked } = await exchange(
    t,
    { path: '/no-trailers' },
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk('body').toString()}0\r\nX-Time: 7\r\n\r\n`,
  );
  t.equal(message.body.toString(), 'body');
  t.same(message.trailers, []);
  asked.release();
});

test('thirty pipelined requests are answered in order', async (t) => {
  const client = await dial(t, tunnel);
  const numbers = Array.from({ length: 30 }, (_, number) => number);
  client.write(
    numbers
      .map((number) =>
        number % 3 === 0
          ? `POST /pipeline/${number} HTTP/1.1\r\nHost: semantics.test\r\nContent-Length: 2\r\n\r\nhi`
          : `GET /pipeline/${number} HTTP/1.1\r\nHost: semantics.test\r\n\r\n`,
      )
      .join(''),
  );
  const answering = async (): Promise<void> => {
    for (const number of numbers) {
      const asked = await backend.take(`/pipeline/${number}`);
      if (number % 3 === 0) await asked.wire.take(2);
      const body = `answer ${number}`;
      asked.wire.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      asked.release();
    }
  };
  const reading = async (): Promise<string[]> => {
    const bodies: string[] = [];
    for (const _ of numbers) bodies.push((await readResponse(client)).body.toString());
    return bodies;
  };
  const [bodies] = await Promise.all([reading(), answering()]);
  t.same(
    bodies,
    numbers.map((number) => `answer ${number}`),
  );
});

test('fifty requests in a row need one client connection and at most two at the backend', async (t) => {
  const own = await Recorder.listen(t);
  const ownTunnel = await startTunnel(t, { backend: own.address });
  const client = await dial(t, ownTunnel);
  for (let number = 1; number <= 50; number += 1) {
    client.write(`GET /kept/${number} HTTP/1.1\r\nHost: semantics.test\r\n\r\n`);
    const asked = await own.take(`/kept/${number}`);
    asked.wire.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
    asked.release();
    const message = await readResponse(client);
    if (message.body.toString() !== 'ok') t.fail(`request ${number} got ${message.body.toString()}`);
  }
  t.comment(`${own.connections} connections at the backend`);
  t.ok(own.connections <= 2, `${own.connections} connections at the backend`);
});

test('a hundred requests at the same time are all served', async (t) => {
  const bodies = await Promise.all(
    Array.from({ length: 100 }, async (_, number) => {
      const body = `body ${number}`;
      const { message, asked } = await exchange(
        t,
        { path: `/parallel/${number}` },
        `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
      asked.release();
      return message.body.toString();
    }),
  );
  t.same(
    bodies,
    bodies.map((_, number) => `body ${number}`),
  );
});

test('an answer before the upload has ended is relayed at once, and the connection closes', async (t) => {
  const client = await dial(t, tunnel);
  client.write(
    'POST /early HTTP/1.1\r\nHost: semantics.test\r\nContent-Length: 100000\r\n\r\nonly the beginning',
  );
  const asked = await backend.take('/early');
  await asked.wire.until('beginning');
  asked.wire.write(
    'HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much',
  );
  asked.wire.end();
  const message = await readResponse(client);
  t.equal(message.status, 413);
  t.equal(message.body.toString(), 'too much');
  if (!isDirect) t.match(value(message, 'connection'), /^close$/i);
  client.end();
  await client.left();
  t.pass('and the connection is over');
});

test('Connection: close of the client is honoured, and says nothing about the connection of the backend', async (t) => {
  const { client, asked, message } = await exchange(
    t,
    { path: '/last-one', lines: 'Connection: close\r\n' },
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast',
  );
  t.equal(message.body.toString(), 'last');
  asked.release();
  if (isDirect) return;
  t.match(value(message, 'connection'), /^close$/i);
  t.equal(await client.left(), 'fin');
});

test('OPTIONS * and absolute-form reach the backend in their right form', productOnly, async (t) => {
  const { asked } = await exchange(
    t,
    { method: 'OPTIONS', path: '*' },
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  );
  t.equal(asked.startLine, 'OPTIONS * HTTP/1.1');
  asked.release();
  const client = await dial(t, tunnel);
  client.write('GET http://semantics.test/absolute?q=1 HTTP/1.1\r\nHost: semantics.test\r\n\r\n');
  const absolute = await backend.take('/absolute?q=1');
  t.equal(absolute.startLine, 'GET /absolute?q=1 HTTP/1.1');
  absolute.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  t.equal((await readResponse(client)).status, 200);
  absolute.release();
});

test('a request head in single bytes is a request', async (t) => {
  const client = await dial(t, tunnel);
  for (const byte of 'POST /bytes HTTP/1.1\r\nHost: semantics.test\r\nContent-Length: 3\r\n\r\nabc') {
    client.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const asked = await backend.take('/bytes');
  t.equal((await asked.wire.take(3)).toString(), 'abc');
  for (const byte of 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n') {
    asked.wire.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal((await readResponse(client)).body.toString(), 'abc');
  asked.release();
});
