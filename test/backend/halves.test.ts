/** A half-close of either end is passed on as one and the other direction goes on, whatever carries it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { createCertificate } from '../e2e/support/certificate.ts';
import { until } from '../transport/until.ts';
import { Backend, serve, type Serving } from './backend.ts';

const certificate = createCertificate();

async function listening(t: Test, kind: 'tcp' | 'tls' | 'unix'): Promise<Backend> {
  if (kind === 'tls') return Backend.listen(t, { tls: certificate });
  if (kind === 'tcp') return Backend.listen(t);
  const folder = await mkdtemp(join(tmpdir(), 'backend-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return Backend.listen(t, { unixPath: join(folder, 'socket') });
}

async function isForgotten({ pool, proxy, agent }: Serving): Promise<void> {
  await until('the connection is forgotten', () => pool.connectionCount === 0);
  await until(
    'the streams are gone',
    () => proxy.link.session.streamCount + agent.link.session.streamCount === 0,
  );
}

for (const kind of ['tcp', 'tls', 'unix'] as const) {
  test(`${kind}: the client ends first, the backend answers behind it`, async (t) => {
    const backend = await listening(t, kind);
    const serving = await serve(t, backend.address, { ca: certificate.cert });
    const exchange = serving.exchange();
    exchange.say('the whole request');
    exchange.stream.end();
    const wire = await backend.wire(1);
    await wire.until('the whole request');
    t.equal(await wire.left(), 'fin');
    wire.write('an answer');
    await exchange.hears('an answer');
    wire.write(', and its end');
    wire.end();
    t.equal(await exchange.ends(), 'end');
    t.equal(exchange.heard, 'an answer, and its end');
    await isForgotten(serving);
    t.same(serving.failures, []);
  });

  test(`${kind}: the backend ends first, the client goes on`, async (t) => {
    const backend = await listening(t, kind);
    const serving = await serve(t, backend.address, { ca: certificate.cert });
    const exchange = serving.exchange();
    exchange.say('first');
    const wire = await backend.wire(1);
    await wire.until('first');
    wire.write('all I have to say');
    wire.end();
    t.equal(await exchange.ends(), 'end');
    t.equal(exchange.heard, 'all I have to say');
    exchange.say('second');
    await wire.until('second');
    t.equal(wire.leaving, undefined);
    exchange.say('third');
    exchange.stream.end();
    await wire.until('third');
    t.equal(await wire.left(), 'fin');
    await isForgotten(serving);
    t.same(serving.failures, []);
    t.equal(serving.pool.idleCount, 0, 'a connection that has ended is not used again');
  });

  test(`${kind}: the backend ends while what it said has no credit yet: all of it arrives, then the end`, async (t) => {
    const backend = await listening(t, kind);
    const serving = await serve(t, backend.address, { ca: certificate.cert });
    const exchange = serving.exchange();
    exchange.user.consumes = false;
    exchange.say('?');
    const wire = await backend.wire(1);
    await wire.until('?');
    const total = 1_000_000;
    wire.socket.end(Buffer.alloc(total, 'x'));
    await until('the window is full', () => exchange.stream.unconsumedBytes === 262_144);
    exchange.user.consumes = true;
    exchange.stream.consume(262_144);
    t.equal(await exchange.ends(), 'end');
    t.equal(exchange.heard.length, total);
    exchange.stream.end();
    await isForgotten(serving);
  });
}
