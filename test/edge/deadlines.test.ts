/** Deadlines come no earlier than they are set, wherever in the beat of the sweep they begin. */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { dial } from '../e2e/support/wire.ts';
import { answer, startEdge } from './edge.ts';

const limitMs = 300;
/** Out of step with the sweep, so that they begin anywhere between two of its looks. */
const startsMs = [0, 40, 40, 40, 40, 40, 40];

for (const [what, bytes] of [
  ['the first byte', ''],
  ['the head', 'GET / HT'],
  ['the next request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
] as const) {
  test(`${what} has all the time it is given`, async (t) => {
    const limits = { firstByteTimeoutMs: limitMs, headerTimeoutMs: limitMs, keepAliveTimeoutMs: limitMs };
    const edge = await startEdge(t, { limits, onAsked: (asked) => answer(asked, Buffer.from('ok')) });
    const waits: Promise<number>[] = [];
    for (const startMs of startsMs) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await sleep(startMs);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const client = await dial(t, edge);
      const startedAtMs = performance.now();
      client.write(bytes);
      waits.push(client.left().then(() => performance.now() - startedAtMs));
    }
    const tookMs = await Promise.all(waits);
    t.ok(
      tookMs.every((ms) => ms >= limitMs - 5),
      `${tookMs.map((ms) => ms.toFixed()).join(', ')} ms of ${limitMs}`,
    );
  });
}

/** The whole program stands still for so long, as on a machine that gives it no turn. */
function standStill(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

test('what came while the program stood still is heard before anybody is late', async (t) => {
  const limits = { headerTimeoutMs: limitMs, keepAliveTimeoutMs: limitMs };
  const edge = await startEdge(t, {
    limits,
    onAsked: (asked) => answer(asked, Buffer.from('ok'), asked.client.mayPersist),
  });
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const clients = [await dial(t, edge), await dial(t, edge)];
  for (const client of clients) {
    client.write(request);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await client.until('ok');
  }
  const [kept, begun] = clients;
  if (kept === undefined || begun === undefined) throw new Error('two clients');
  begun.write(request.slice(0, 10));
  await sleep(10);
  // From a check phase: the next are the timers.
  await new Promise(setImmediate);
  kept.write(request);
  begun.write(request.slice(10));
  standStill(2 * limitMs);
  await Promise.all(clients.map((client) => client.until('ok')));
});

test('a request that came while a program that stops stood still is answered', async (t) => {
  const edge = await startEdge(t, {
    onAsked: (asked) => answer(asked, Buffer.from('ok'), asked.client.mayPersist),
  });
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const client = await dial(t, edge);
  client.write(request);
  await client.until('ok');
  const drained = edge.listener.drain(new AbortController().signal);
  client.write(request);
  standStill(1_000);
  await client.until('ok');
  t.equal(await client.left(), 'fin');
  await drained;
});
