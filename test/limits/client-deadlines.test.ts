/**
 * How long a client may take for its head, its body and its next request (RULES 5, 33, 46): absolute, which no byte
 * extends, and only as long as it is the client that is waited for. The clock looks four times a second.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { setTimeout as sleep } from 'node:timers/promises';
import { t as file, test } from 'tap';
import type { Test } from 'tap';
import { readHead, readResponse, status, value } from '../e2e/support/message.ts';
import { dial } from '../e2e/support/wire.ts';
import type { Wire } from '../e2e/support/wire.ts';
import { beside, reply, startBench } from './bench.ts';

const limitMs = 1_000;

const bench = await startBench(file, {
  FIRST_BYTE_TIMEOUT: '1s',
  HEADER_TIMEOUT: '1s',
  KEEP_ALIVE_TIMEOUT: '1s',
  BODY_TIMEOUT: '1s',
  MIN_BODY_RATE: '1000',
  REFUSAL_DRAIN_TIMEOUT: '500ms',
});

/** What `wait` took is the limit, give or take what a look at the clock and a busy machine add. */
async function takesTheLimit(t: Test, what: string, wait: Promise<unknown>): Promise<void> {
  const startedAtMs = performance.now();
  await wait;
  const tookMs = performance.now() - startedAtMs;
  t.ok(tookMs > limitMs * 0.6 && tookMs < limitMs * 3, `${what} after ${tookMs.toFixed()} ms`);
}

/** Writes a piece again and again until stopped or nobody is there. */
function drip(wire: Wire, piece: string, everyMs: number): () => void {
  const timer = setInterval(() => {
    if (wire.leaving === undefined && wire.socket.writable) wire.write(piece);
  }, everyMs);
  return () => clearInterval(timer);
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

test('FIRST_BYTE_TIMEOUT: a connection that says nothing is closed without a word', async (t) => {
  await beside(t, bench, async () => {
    const client = await dial(t, bench);
    await takesTheLimit(t, 'closed', client.closed());
    t.equal(client.unread.length, 0);
  });
});

test('FIRST_BYTE_TIMEOUT: empty lines are no byte of a request', async (t) => {
  const client = await dial(t, bench);
  client.write('\r\n');
  await sleep(limitMs / 2);
  client.write('\r\n');
  await client.closed();
  t.equal(client.unread.length, 0);
});

test('FIRST_BYTE_TIMEOUT: a request that begins within it is served', async (t) => {
  const client = await dial(t, bench);
  await sleep(limitMs / 2);
  client.write(get('/first-byte'));
  reply(await bench.backend.take('/first-byte'));
  t.equal((await readResponse(client)).status, 200);
});

for (const [what, first, piece] of [
  ['a byte each 100 ms', 'GET /', 'x'],
  ['a field each 100 ms', 'GET /drip HTTP/1.1\r\nHost: h\r\n', 'X: y\r\n'],
  ['half a head and then nothing', 'GET /half HTTP/1.1\r\nHo', ''],
] as const) {
  test(`HEADER_TIMEOUT: ${what} is 408`, async (t) => {
    await beside(t, bench, async () => {
      const client = await dial(t, bench);
      client.write(first);
      const stop = drip(client, piece, 100);
      const answered = readHead(client);
      await takesTheLimit(t, '408', answered).finally(stop);
      t.equal(status(await answered), 408);
      t.equal(value(await answered, 'connection'), 'close');
    });
  });
}

test('HEADER_TIMEOUT: a head that comes slowly and in time is served, the next one too', async (t) => {
  const client = await dial(t, bench);
  for (const path of ['/slow-head', '/slow-head/next']) {
    for (const piece of [`GET ${path} HT`, 'TP/1.1\r\nHo', 'st: h\r\n', '\r\n']) {
      client.write(piece);
      await sleep(limitMs / 8);
    }
    reply(await bench.backend.take(path));
    t.equal((await readResponse(client)).status, 200);
  }
});

test('HEADER_TIMEOUT: of the second request it counts from its own first byte', async (t) => {
  const client = await dial(t, bench);
  client.write(get('/second-head'));
  reply(await bench.backend.take('/second-head'));
  await readResponse(client);
  await sleep(limitMs / 2);
  client.write('GET /second-head/2 HTTP/1.1\r\n');
  await takesTheLimit(t, '408', client.until('HTTP/1.1 408 '));
});

test('HEADER_TIMEOUT: time that an answer takes is not time of the next head', async (t) => {
  const client = await dial(t, bench);
  client.write(`${get('/long-answer')}GET /after-long-answer HTTP/1.1\r\nHost:`);
  const asked = await bench.backend.take('/long-answer');
  await sleep(limitMs * 1.5);
  reply(asked);
  t.equal((await readResponse(client)).status, 200);
  client.write(' h\r\n\r\n');
  reply(await bench.backend.take('/after-long-answer'));
  t.equal((await readResponse(client)).status, 200);
});

test('KEEP_ALIVE_TIMEOUT: a kept connection is closed when no request comes, and each request gives it new time', async (t) => {
  await beside(t, bench, async () => {
    const client = await dial(t, bench);
    for (const path of ['/kept/1', '/kept/2', '/kept/3']) {
      client.write(get(path));
      reply(await bench.backend.take(path));
      t.equal((await readResponse(client)).status, 200);
      if (path !== '/kept/3') await sleep(limitMs / 2);
    }
    await takesTheLimit(t, 'closed', client.closed());
    t.equal(client.unread.length, 0);
  });
});

for (const [framing, head, piece] of [
  ['sized', 'Content-Length: 100000', 'b'],
  ['chunked', 'Transfer-Encoding: chunked', '1\r\nb\r\n'],
] as const) {
  const put = (path: string): string => `PUT ${path} HTTP/1.1\r\nHost: h\r\n${head}\r\n\r\n`;

  for (const [what, everyMs] of [
    ['silence', undefined],
    ['a byte each 50 ms', 50],
  ] as const) {
    const path = `/${framing}-${what.replaceAll(' ', '-')}`;

    test(`BODY_TIMEOUT: a ${framing} body, ${what}: 408, and the backend is told by a reset`, async (t) => {
      await beside(t, bench, async () => {
        const client = await dial(t, bench);
        client.write(`${put(path)}${piece.repeat(3)}`);
        const stop = everyMs === undefined ? undefined : drip(client, piece, everyMs);
        const asked = await bench.backend.take(path);
        const answered = readHead(client);
        await takesTheLimit(t, '408', answered).finally(stop);
        t.equal(status(await answered), 408);
        t.equal(await asked.wire.left(), 'reset', 'never an end that could pass for a complete request');
      });
    });
  }

  test(`BODY_TIMEOUT: where an answer has begun, a ${framing} body that stops ends it with a reset`, async (t) => {
    const client = await dial(t, bench);
    client.write(put(`/${framing}-answered`));
    const asked = await bench.backend.take(`/${framing}-answered`);
    asked.wire.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n');
    t.equal(status(await readHead(client)), 200);
    t.equal(await client.left(), 'reset');
    t.equal(await asked.wire.left(), 'reset');
  });
}

test('MIN_BODY_RATE: a body at a good pace is never cut, however long it takes', async (t) => {
  await beside(t, bench, async () => {
    const client = await dial(t, bench);
    client.write('PUT /good-pace HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n');
    const asked = await bench.backend.take('/good-pace');
    // 4,000 B/s for four times the limit.
    for (let count = 0; count < 16; count += 1) {
      client.write(`3e8\r\n${'b'.repeat(1_000)}\r\n`);
      await sleep(limitMs / 4);
    }
    client.write('0\r\n\r\n');
    await asked.wire.until('0\r\n\r\n');
    reply(asked);
    t.equal((await readResponse(client)).status, 200);
  });
});

test('MIN_BODY_RATE: a backend that makes the client wait is not slowness of the client', async (t) => {
  const client = await dial(t, bench);
  const bytes = 24 * 1024 * 1024;
  client.write(`PUT /waits HTTP/1.1\r\nHost: h\r\nContent-Length: ${bytes}\r\n\r\n`);
  const asked = await bench.backend.take('/waits');
  asked.wire.socket.pause();
  client.write(Buffer.alloc(bytes, 'b'));
  await sleep(limitMs * 3);
  t.equal(client.leaving, undefined);
  t.ok(client.socket.writableLength > 0, 'it still waits');
  asked.wire.socket.resume();
  await asked.wire.take(bytes);
  reply(asked);
  t.equal((await readResponse(client)).status, 200);
});

test('a refused client that goes on sending is closed after REFUSAL_DRAIN_TIMEOUT', async (t) => {
  await beside(t, bench, async () => {
    const client = await dial(t, bench);
    client.write('GET / HTTP/1.1\r\nno colon\r\n\r\n');
    const message = await readResponse(client);
    t.equal(message.status, 400);
    t.equal(value(message, 'connection'), 'close');
    t.equal(await client.left(), 'fin');
    const startedAtMs = performance.now();
    const stop = drip(client, 'x', 20);
    await client.closed().finally(stop);
    const tookMs = performance.now() - startedAtMs;
    t.ok(tookMs > 200 && tookMs < 2_000, `after ${tookMs.toFixed()} ms`);
  });
});
