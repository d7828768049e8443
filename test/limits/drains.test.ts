/**
 * How much a client may still send that was refused, or whose upload was answered before its end (RULES 32, and "close"):
 * enough to read the answer, and no more.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { setTimeout as sleep } from 'node:timers/promises';
import { t as file, test } from 'tap';
import type { Test } from 'tap';
import { readResponse, value } from '../e2e/support/message.ts';
import { dial } from '../e2e/support/wire.ts';
import type { Wire } from '../e2e/support/wire.ts';
import { beside, startBench } from './bench.ts';

const limit = { refused: 1_000, refusedMs: 1_500, answered: 2_000, answeredMs: 3_000 };

const bench = await startBench(file, {
  REFUSAL_DRAIN_BYTES: String(limit.refused),
  REFUSAL_DRAIN_TIMEOUT: `${limit.refusedMs}ms`,
  EARLY_ANSWER_DRAIN_BYTES: String(limit.answered),
  EARLY_ANSWER_DRAIN_TIMEOUT: `${limit.answeredMs}ms`,
  SEND_TIMEOUT: '1s',
});

/** A client that was refused and knows it. */
async function refused(t: Test): Promise<Wire> {
  const client = await dial(t, bench);
  client.write('GET / HTTP/1.1\r\nno colon\r\n\r\n');
  t.equal((await readResponse(client)).status, 400);
  t.equal(await client.left(), 'fin');
  return client;
}

let count = 0;

/** A client that has its answer in the middle of its upload. */
async function answered(t: Test): Promise<Wire> {
  const path = `/early/${(count += 1)}`;
  const client = await dial(t, bench);
  client.write(`PUT ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\nsome`);
  const asked = await bench.backend.take(path);
  await asked.wire.take(4);
  asked.wire.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  const message = await readResponse(client);
  t.equal(message.status, 403);
  t.equal(value(message, 'connection'), 'close');
  t.equal(await client.left(), 'fin');
  return client;
}

/** Whether the kernel takes these bytes within a time in which a proxy that reads would have read them. */
async function isTaken(wire: Wire, bytes: Uint8Array): Promise<boolean> {
  const taken = new Promise<boolean>((resolve) => wire.socket.write(bytes, () => resolve(true)));
  return Promise.race([taken, sleep(300, false)]);
}

for (const [what, make, bytes, ms] of [
  ['a refused client', refused, limit.refused, limit.refusedMs],
  ['a client that was answered early', answered, limit.answered, limit.answeredMs],
] as const) {
  test(`${what} may go on for its time and is closed then`, async (t) => {
    await beside(t, bench, async () => {
      const client = await make(t);
      const startedAtMs = performance.now();
      client.write('x'.repeat(bytes));
      for (const part of [0.6, 0.2]) {
        await sleep(ms * part);
        client.write('x');
      }
      await sleep(ms * 0.1);
      t.notOk(client.socket.destroyed, 'a closed socket would have answered with a reset by now');
      await client.closed(ms + 2_000);
      const tookMs = performance.now() - startedAtMs;
      t.ok(tookMs < ms + 2_000, `closed after ${tookMs.toFixed()} ms of ${ms}`);
    });
  });

  test(`${what} that floods is read no further than its bytes`, async (t) => {
    await beside(t, bench, async () => {
      const client = await make(t);
      const piece = Buffer.alloc(256 * 1024, 'x');
      const maxPieces = 256;
      let pieces = 0;
      while (pieces < maxPieces && client.leaving !== 'reset' && (await isTaken(client, piece))) pieces += 1;
      t.ok(
        pieces < maxPieces / 2,
        `the kernel takes ${(pieces * piece.length) / 2 ** 20} MiB, and then nobody does`,
      );
      await client.closed(ms + 2_000);
    });
  });
}

test('the answer to a refusal is read whole by a client that sends on as fast as it can', async (t) => {
  await beside(t, bench, async () => {
    const client = await dial(t, bench);
    client.write('PUT /refused HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n');
    client.write('x'.repeat(limit.refused));
    t.equal((await readResponse(client)).status, 400);
  });
});
