/** What is held of the bytes behind a request that is being answered: to the byte (RULES 47). */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import type { Client } from '../../proxy/exchange.ts';
import { dial } from '../e2e/support/wire.ts';
import { answer, startEdge } from './edge.ts';
import type { Asked } from './edge.ts';

const request = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n';
const maxPipelinedBytes = 1_000;
/** Of a request whose end is not among them. */
const behind = `GET /2 HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(5_000)}`;

test('up to MAX_PIPELINED_BYTES are read; with the last of them the client is read no more, until its turn comes', async (t) => {
  const asked: Asked[] = [];
  const edge = await startEdge(t, { limits: { maxPipelinedBytes }, onAsked: (one) => asked.push(one) });
  const wire = await dial(t, edge);
  wire.write(request);
  await until(() => asked.length === 1);
  const [first] = asked;
  if (first === undefined) throw new Error('one was asked');
  const held = (): number => first.client.heldBytes - request.length;
  t.equal(held(), 0);
  wire.write(behind.slice(0, 999));
  await until(() => held() === 999);
  wire.write(behind.slice(999, 1_000));
  await until(() => held() === 1_000);
  wire.write(behind.slice(1_000));
  await sleep(100);
  t.equal(held(), 1_000, 'what comes now waits in the kernel');
  answer(first, Buffer.from('one'));
  await wire.until('one');
  wire.write('\r\n\r\n');
  await until(() => asked.length === 2);
  const second: Client | undefined = asked[1]?.client;
  t.equal(second?.heldBytes, behind.length + 4, 'and is read in its turn');
});

test('of a thousand requests in one piece, answered on the spot, each has its answer', async (t) => {
  const count = 1_000;
  const edge = await startEdge(t, { onAsked: (one) => answer(one, Buffer.alloc(300, 'x')) });
  const wire = await dial(t, edge);
  wire.write(request.repeat(count - 1));
  wire.write(request.replace('/1', '/last').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  t.equal(await wire.left(), 'fin');
  t.equal(wire.unread.toString('latin1').split('HTTP/1.1 200').length - 1, count);
});

async function until(isSo: () => boolean): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- looked at until it is so
  while (!isSo()) await sleep(2);
}
