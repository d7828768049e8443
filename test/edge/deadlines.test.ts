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
