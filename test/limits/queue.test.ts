/** Requests at the same time: through one link, and waiting for an agent that has just left (DESIGN §7, QUEUE_TIMEOUT). */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { test } from 'tap';
import type { Test } from 'tap';
import { readResponse, value } from '../e2e/support/message.ts';
import type { Message } from '../e2e/support/message.ts';
import { dial } from '../e2e/support/wire.ts';
import type { Target, Wire } from '../e2e/support/wire.ts';
import { reply, startBench } from './bench.ts';

const queueTimeoutMs = 2_000;

async function ask(t: Test, target: Target, path: string, lines = ''): Promise<Wire> {
  const client = await dial(t, target);
  client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n${lines}\r\n`);
  return client;
}

function codeOf(message: Message): string | undefined {
  return /details="([a-z_]+)"/.exec(value(message, 'proxy-status') ?? '')?.[1];
}

test('MAX_STREAMS_PER_LINK: exactly so many requests at once, one more is 503, and one that ends makes room', async (t) => {
  const bench = await startBench(t, { MAX_STREAMS_PER_LINK: '2' }, { LINKS: '1' });
  const first = await ask(t, bench, '/1');
  const second = await ask(t, bench, '/2');
  const asked = [await bench.backend.take('/1'), await bench.backend.take('/2')];
  const more = await readResponse(await ask(t, bench, '/3'));
  t.equal(more.status, 503);
  t.equal(codeOf(more), 'overloaded');
  t.match(value(more, 'retry-after'), /^\d+$/);
  for (const [index, client] of [first, second].entries()) {
    const request = asked[index];
    if (request !== undefined) reply(request);
    t.equal((await readResponse(client)).status, 200);
    const next = await ask(t, bench, `/next/${index}`);
    reply(await bench.backend.take(`/next/${index}`));
    t.equal((await readResponse(next)).status, 200);
  }
});

test('requests whose agent has just left', async (group) => {
  const env = { QUEUE_TIMEOUT: '2s', MAX_QUEUED_REQUESTS: '3', MAX_QUEUED_BYTES: '2KiB' };
  const bench = await startBench(group, env);
  await bench.tunnel.agent?.kill();
  await bench.tunnel.proxy?.line((line) => line['msg'] === 'agent disconnected');
  const leftAtMs = performance.now();

  // Of about 1,500 bytes; with it, one of 40 and one of 600 are over MAX_QUEUED_BYTES.
  const large = await ask(group, bench, '/large', `X-Pad: ${'x'.repeat(1_450)}\r\n`);
  const small = await ask(group, bench, '/small');
  const over = await readResponse(await ask(group, bench, '/over', `X-Pad: ${'x'.repeat(600)}\r\n`));
  group.equal(over.status, 503, 'MAX_QUEUED_BYTES: one that is too large for what is left is 503');
  group.equal(codeOf(over), 'overloaded');
  const third = await ask(group, bench, '/third');
  const fourth = await readResponse(await ask(group, bench, '/fourth'));
  group.equal(fourth.status, 503, 'MAX_QUEUED_REQUESTS: three wait, one more is 503');
  group.equal(codeOf(fourth), 'overloaded');
  group.ok(performance.now() - leftAtMs < queueTimeoutMs, 'both at once');
  group.equal([large, small, third].filter((wire) => wire.unread.length > 0).length, 0, 'the others wait');

  for (const wire of [large, small, third]) {
    const message = await readResponse(wire);
    group.equal(message.status, 503);
    group.equal(codeOf(message), 'agent_offline');
  }
  const waitedMs = performance.now() - leftAtMs;
  group.ok(
    waitedMs > queueTimeoutMs * 0.8 && waitedMs < queueTimeoutMs * 2,
    `QUEUE_TIMEOUT: ${waitedMs.toFixed()} ms`,
  );
  const late = await readResponse(await ask(group, bench, '/late'));
  group.equal(codeOf(late), 'agent_offline', 'who comes later than that does not wait');
});
