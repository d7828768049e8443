/**
 * Clients that take their answer slowly, or not at all. An answer is longer than all buffers of the kernel, so that most
 * of it waits in the process. Loopback takes megabytes at once and then nothing for a while: that is what slow looks like.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import type { Test } from 'tap';
import { within } from '../e2e/support/deadline.ts';
import { dial } from '../e2e/support/wire.ts';
import type { Target } from '../e2e/support/wire.ts';
import type { Client } from '../../proxy/exchange.ts';
import { bufferMib } from '../transport/memory.ts';
import { answer, startEdge, takingAll } from './edge.ts';
import { takeInSteps } from './slow-taking.ts';

const large = Buffer.alloc(24 * 1024 * 1024, 'x');
const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** A client that has asked and reads nothing until it is resumed. */
async function ask(t: Test, target: Target, bytes = request): Promise<Socket> {
  const socket = connect({ host: target.host, port: target.port, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  socket.pause();
  socket.write(bytes);
  return socket;
}

/** Reads to the end: how many bytes came, and whether they ended in order. */
async function readAll(socket: Socket): Promise<{ bytes: number; ending: 'fin' | 'reset' }> {
  let bytes = 0;
  const ended = Promise.withResolvers<'fin' | 'reset'>();
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  socket.once('end', () => ended.resolve('fin'));
  socket.once('error', () => ended.resolve('reset'));
  socket.resume();
  const ending = await within(10_000, () => `the end, after ${bytes} bytes`, ended.promise);
  return { bytes, ending };
}

test('an answer with Connection: close is whole for a client that takes longer than a refusal is drained', async (t) => {
  const edge = await startEdge(t, {
    limits: { refusalDrain: { bytes: 65_536, ms: 200 } },
    onAsked: (asked) => answer(asked, large, false),
  });
  const socket = await ask(t, edge);
  await sleep(1_000);
  const { bytes, ending } = await readAll(socket);
  t.ok(bytes > large.length, `all of it: ${bytes} bytes`);
  t.equal(ending, 'fin');
});

test('so is one that was given before the request was read', async (t) => {
  const edge = await startEdge(t, {
    limits: { earlyAnswerDrain: { bytes: 65_536, ms: 200 } },
    onAsked: (asked) => {
      asked.client.listen(takingAll());
      answer(asked, large, false);
    },
  });
  const socket = await ask(t, edge, 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
  await sleep(1_000);
  const { bytes, ending } = await readAll(socket);
  t.ok(bytes > large.length, `all of it: ${bytes} bytes`);
  t.equal(ending, 'fin');
});

test('a kept connection is idle when its answer has been taken, and not before', async (t) => {
  const edge = await startEdge(t, {
    limits: { keepAliveTimeoutMs: 300 },
    onAsked: (asked) => answer(asked, large),
  });
  const socket = await ask(t, edge);
  await sleep(1_000);
  const { bytes, ending } = await readAll(socket);
  t.ok(bytes > large.length, `all of it: ${bytes} bytes`);
  t.equal(ending, 'fin', 'then the time for the next request runs out');
});

test('a proxy that stops lets a kept connection take its answer', async (t) => {
  const edge = await startEdge(t, { onAsked: (asked) => answer(asked, large) });
  const socket = await ask(t, edge);
  await sleep(300);
  const drained = edge.listener.drain(new AbortController().signal);
  await sleep(300);
  const { bytes, ending } = await readAll(socket);
  t.ok(bytes > large.length, `all of it: ${bytes} bytes`);
  t.equal(ending, 'fin');
  socket.end();
  await within(2_000, () => 'the end of the drain', drained);
});

for (const [what, persist] of [
  ['a kept connection', true],
  ['a connection that closes', false],
] as const) {
  test(`${what}: a client that takes nothing is reset after SEND_TIMEOUT`, async (t) => {
    const edge = await startEdge(t, {
      limits: { sendTimeoutMs: 500, minSendBytesPerSecond: 100_000_000 },
      onAsked: (asked) => answer(asked, large, persist),
    });
    const startedAtMs = performance.now();
    const socket = await ask(t, edge);
    await within(5_000, () => 'the connection to be gone', edge.emptied());
    const tookMs = performance.now() - startedAtMs;
    t.ok(tookMs > 400 && tookMs < 2_500, `after ${tookMs.toFixed()} ms`);
    const { bytes, ending } = await readAll(socket);
    t.equal(ending, 'reset', 'never an end that could pass for a complete answer');
    t.ok(bytes < large.length);
  });
}

test('without a least rate SEND_TIMEOUT holds all the same', async (t) => {
  const edge = await startEdge(t, {
    limits: { sendTimeoutMs: 500, minSendBytesPerSecond: 0 },
    onAsked: (asked) => answer(asked, large),
  });
  await ask(t, edge);
  await within(3_000, () => 'the connection to be gone', edge.emptied());
  t.equal(edge.listener.connectionCount, 0);
});

test('however much waits, a client that takes nothing is not waited for longer than 256 KiB allow', async (t) => {
  const edge = await startEdge(t, {
    limits: { sendTimeoutMs: 300, minSendBytesPerSecond: 256 * 1024 },
    onAsked: (asked) => answer(asked, large),
  });
  await ask(t, edge);
  const startedAtMs = performance.now();
  await within(5_000, () => 'the connection to be gone', edge.emptied());
  const tookMs = performance.now() - startedAtMs;
  t.ok(tookMs > 900 && tookMs < 3_000, `after ${tookMs.toFixed()} ms: a second and not the minute of 24 MiB`);
});

for (const [what, minSendBytesPerSecond, isReset] of [
  ['a client that is slow and above the least rate is not reset, however long it takes', 1_000_000, false],
  ['a client that takes something each time and less than the least rate on the whole is reset', 1e9, true],
] as const) {
  test(what, async (t) => {
    // For seven seconds where it is to be reset after one: so long a busy machine may take to look.
    const body = isReset ? Buffer.alloc(96 * 1024 * 1024, 'x') : large;
    const edge = await startEdge(t, {
      limits: { sendTimeoutMs: 900, minSendBytesPerSecond },
      onAsked: (asked) => answer(asked, body),
    });
    const socket = await ask(t, edge);
    const startedAtMs = performance.now();
    // The kernel's buffers (about 6 MB) hide less than two steps.
    const taken = await takeInSteps(socket, 4 * 1024 * 1024, 300, body.length);
    const tookMs = performance.now() - startedAtMs;
    t.equal(taken < body.length, isReset, `${taken} bytes in ${tookMs.toFixed()} ms`);
    t.ok(tookMs > 900, 'longer than the time-out');
  });
}

test('a client that does not read its answers is not given more of them', async (t) => {
  let asked = 0;
  const piece = Buffer.alloc(64 * 1024, 'y');
  const count = 600;
  const edge = await startEdge(t, {
    onAsked: (exchange) => {
      asked += 1;
      answer(exchange, piece);
    },
  });
  const socket = await ask(t, edge, request.repeat(count));
  let seen = -1;
  while (seen !== asked) {
    seen = asked;
    // oxlint-disable-next-line no-await-in-loop -- until nothing more happens
    await sleep(200);
  }
  t.ok(asked < count / 2, `${asked} of ${count} have been begun: what the kernel takes, and one more`);
  const { bytes } = await Promise.race([readAll(socket), allOf(socket, count * piece.length)]);
  t.ok(bytes >= count * piece.length, 'and all are answered as soon as it reads');
  t.equal(asked, count);
});

test('the same through TCP as the test sees it: the end of the answers is in order', async (t) => {
  const edge = await startEdge(t, {
    onAsked: (exchange) => answer(exchange, Buffer.from(exchange.request.target)),
  });
  const wire = await dial(t, edge);
  for (let index = 0; index < 200; index += 1) wire.write(`GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`);
  // oxlint-disable-next-line no-await-in-loop -- in order
  for (let index = 0; index < 200; index += 1) await wire.until(`\r\n\r\n/${index}`);
  t.equal(wire.unread.length, 0);
});

async function allOf(socket: Socket, wanted: number): Promise<{ bytes: number }> {
  let bytes = 0;
  const all = Promise.withResolvers<{ bytes: number }>();
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes >= wanted) all.resolve({ bytes });
  });
  return all.promise;
}

test('what waits for a client costs what it weighs, however small the pieces it came in', async (t) => {
  const clients: Client[] = [];
  const edge = await startEdge(t, { onAsked: ({ client }) => clients.push(client) });
  const socket = await ask(t, edge);
  await within(
    2_000,
    () => 'the request',
    until(() => clients.length > 0),
  );
  const client = clients[0];
  client?.writeFinalHead('HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n');
  client?.write(large);
  const before = await bufferMib();
  // As they come through a tunnel: views into messages that many streams share.
  for (let index = 0; index < 2_000; index += 1) {
    client?.write(Buffer.alloc(64 * 1024).subarray(0, 20));
    // oxlint-disable-next-line no-await-in-loop -- each in a turn of its own
    if (index % 100 === 0) await sleep(1);
  }
  const grownMib = (await bufferMib()) - before;
  t.ok(grownMib < 8, `40 KB cost ${grownMib.toFixed(1)} MiB`);
  socket.destroy();
});

async function until(isSo: () => boolean): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- looked at until it is so
  while (!isSo()) await sleep(5);
}
