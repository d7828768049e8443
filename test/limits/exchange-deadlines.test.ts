/**
 * How long a backend may take for its answer, and an exchange may stand still (DESIGN §8): the head has a deadline, bodies
 * have none of their own, and what was upgraded has none at all.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { setTimeout as sleep } from 'node:timers/promises';
import { t as file, test } from 'tap';
import type { Test } from 'tap';
import {
  ChunkedBody,
  chunk,
  lastChunk,
  readHead,
  readResponse,
  status,
  value,
} from '../e2e/support/message.ts';
import type { Asked } from '../e2e/support/recorder.ts';
import { dial } from '../e2e/support/wire.ts';
import type { Wire } from '../e2e/support/wire.ts';
import { beside, reply, startBench } from './bench.ts';

const limitMs = 1_000;
const bench = await startBench(file, { RESPONSE_TIMEOUT: '1s', IDLE_TIMEOUT: '1s' });

async function ask(t: Test, path: string, lines = ''): Promise<{ client: Wire; asked: Asked }> {
  const client = await dial(t, bench);
  client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n${lines}\r\n`);
  return { client, asked: await bench.backend.take(path) };
}

async function takesTheLimit(t: Test, what: string, wait: Promise<unknown>): Promise<void> {
  const startedAtMs = performance.now();
  await wait;
  const tookMs = performance.now() - startedAtMs;
  t.ok(tookMs > limitMs * 0.9 && tookMs < limitMs * 3, `${what} after ${tookMs.toFixed()} ms`);
}

for (const [what, pieceOf] of [
  ['says nothing', () => ''],
  ['drips a head', (index: number) => 'HTTP/1.1 200 OK\r\n'[index] ?? 'X: y\r\n'],
  [
    'says 102 (Processing) again and again',
    (index: number) => (index < 9 ? 'HTTP/1.1 102 Processing\r\n\r\n' : ''),
  ],
] as const) {
  test(`RESPONSE_TIMEOUT: a backend that ${what} is 504`, async (t) => {
    await beside(t, bench, async () => {
      const { client, asked } = await ask(t, `/${what.replaceAll(' ', '-')}`);
      let index = 0;
      const timer = setInterval(() => {
        if (asked.wire.leaving === undefined) asked.wire.write(pieceOf(index));
        index += 1;
      }, 50);
      const answered = finalHead(client);
      await takesTheLimit(t, '504', answered).finally(() => clearInterval(timer));
      t.equal(status(await answered), 504);
      t.match(value(await answered, 'proxy-status'), /details="backend_timeout"/);
      t.equal(await asked.wire.left(), 'reset', 'the backend hears of it');
    });
  });
}

async function finalHead(wire: Wire): ReturnType<typeof readHead> {
  for (;;) {
    const head = await readHead(wire);
    if (status(head) >= 200) return head;
  }
}

test('RESPONSE_TIMEOUT: time that the request takes is not time of the answer', async (t) => {
  const client = await dial(t, bench);
  client.write('PUT /slow-request HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n');
  const asked = await bench.backend.take('/slow-request');
  for (let count = 0; count < 8; count += 1) {
    client.write('x'.repeat(1_000));
    await sleep(limitMs / 4);
  }
  await asked.wire.take(8_000);
  await sleep(limitMs / 2);
  reply(asked);
  t.equal((await readResponse(client)).status, 200);
});

test('a body has no deadline: as long as something comes within IDLE_TIMEOUT it goes on', async (t) => {
  await beside(t, bench, async () => {
    const { client, asked } = await ask(t, '/long-body');
    asked.wire.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const head = await readHead(client);
    t.equal(status(head), 200);
    for (let count = 0; count < 8; count += 1) {
      asked.wire.write(chunk('.'));
      await sleep(limitMs / 2.5);
    }
    asked.wire.write(lastChunk);
    asked.release();
    t.equal((await new ChunkedBody(client).rest()).bytes.toString(), '........');
  });
});

test('IDLE_TIMEOUT: an answer that stands still is reset, at both ends', async (t) => {
  await beside(t, bench, async () => {
    const { client, asked } = await ask(t, '/still');
    asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await client.until('half');
    await takesTheLimit(t, 'reset', client.left());
    t.equal(client.leaving, 'reset');
    t.equal(await asked.wire.left(), 'reset');
  });
});

test('IDLE_TIMEOUT: a client that still uploads keeps an answer alive', async (t) => {
  const client = await dial(t, bench);
  client.write('PUT /both-ways HTTP/1.1\r\nHost: h\r\nContent-Length: 8000\r\n\r\n');
  const asked = await bench.backend.take('/both-ways');
  asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhalf'.slice(0, -2));
  await client.until('ha');
  for (let count = 0; count < 8; count += 1) {
    client.write('x'.repeat(1_000));
    await sleep(limitMs / 2.5);
  }
  asked.wire.write('lf');
  t.equal(await client.until('lf'), 'lf');
});

test('an upgraded connection may be silent for as long as it likes', async (t) => {
  const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\n';
  const { client, asked } = await ask(t, '/upgraded', upgrade);
  asked.wire.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`);
  t.equal(status(await readHead(client)), 101);
  await sleep(limitMs * 3);
  client.write('still there?');
  t.equal((await asked.wire.take(12)).toString(), 'still there?');
  asked.wire.write('yes');
  t.equal((await client.take(3)).toString(), 'yes');
});
