/** Which connections serve again, which are destroyed, and what becomes of those that wait. */
import { test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import { createCertificate } from '../e2e/support/certificate.ts';
import type { Wire } from '../e2e/support/wire.ts';
import { HandClock } from '../transport/hand-clock.ts';
import { turns, until } from '../transport/until.ts';
import { Backend, type Exchange, Nowhere, serve, type Serving } from './backend.ts';

test('done: the connection serves the next exchange, and the one after it', async (t) => {
  const certificate = createCertificate();
  for (const options of [{}, { tls: certificate }]) {
    // oxlint-disable no-await-in-loop -- one exchange after the other
    const backend = await Backend.listen(t, options);
    const serving = await serve(t, backend.address, { ca: certificate.cert });
    for (const text of ['one', 'two', 'three']) await serving.served(backend, 1, text);
    t.equal(backend.wires.length, 1);
    t.same([serving.pool.idleCount, serving.pool.connectionCount], [1, 1]);
    t.same(serving.failures, []);
    // oxlint-enable no-await-in-loop
  }
});

test('each code but done destroys it, and the backend sees an abort, not an end', async (t) => {
  for (const [name, code] of Object.entries(resetCode)) {
    if (code === resetCode.done) continue;
    // oxlint-disable no-await-in-loop -- one exchange after the other
    const backend = await Backend.listen(t);
    const serving = await serve(t, backend.address);
    const exchange = serving.exchange();
    exchange.say('half an upload');
    const wire = await backend.wire(1);
    await wire.until('half an upload');
    exchange.stream.reset(code);
    t.equal(await wire.left(), 'reset', name);
    await until('it is forgotten', () => serving.pool.connectionCount === 0);
    t.equal(serving.pool.idleCount, 0);
    // oxlint-enable no-await-in-loop
  }
});

test('a link that is lost aborts what it carried', async (t) => {
  const backend = await Backend.listen(t);
  const serving = await serve(t, backend.address);
  await serving.served(backend, 1);
  const exchange = serving.exchange();
  exchange.say('?');
  const wire = await backend.wire(1);
  await wire.until('?');
  serving.agent.link.terminate();
  t.equal(await wire.left(), 'reset');
  await until('it is forgotten', () => serving.pool.connectionCount === 0);
});

type Unclean = (exchange: Exchange, wire: Wire, serving: Serving) => Promise<void>;

const uncleanEnds: [says: string, make: Unclean][] = [
  [
    'what the client said has not all left for the backend',
    async (exchange, wire, serving) => {
      wire.socket.pause();
      const more = Buffer.alloc(65_536);
      exchange.user.react = (event, stream) => {
        if (event === 'writable') while (stream.write(more) > 0);
      };
      while (exchange.stream.write(more) > 0);
      // Whatever the window has grown to: it is used up, and what was delivered has no place.
      const isStuck = () =>
        exchange.stream.writableBytes === 0 && serving.agent.link.session.heldBytes > 100_000;
      // oxlint-disable-next-line no-await-in-loop -- turn by turn
      for (let turnsStuck = 0; turnsStuck < 20; turnsStuck = isStuck() ? turnsStuck + 1 : 0) await turns(1);
    },
  ],
  [
    'the backend said more than the answer, and the rest is still here',
    async (exchange, wire) => {
      exchange.user.consumes = false;
      wire.write(Buffer.alloc(262_144 + 1_000));
      await until('the window is full', () => exchange.stream.unconsumedBytes === 262_144);
      await turns(20);
    },
  ],
  [
    'the backend has ended',
    async (exchange, wire) => {
      wire.end();
      await until('its end is here', () => exchange.stream.endReceived);
    },
  ],
];

test('done, and yet the connection is not used again', async (t) => {
  for (const [says, make] of uncleanEnds) {
    // oxlint-disable no-await-in-loop -- one after the other
    const backend = await Backend.listen(t);
    const serving = await serve(t, backend.address);
    const exchange = serving.exchange();
    exchange.say('?');
    const wire = await backend.wire(1);
    await wire.until('?');
    await make(exchange, wire, serving);
    exchange.stream.reset(resetCode.done);
    // What lies there is judged as it is when the agent hears of it.
    await until('the agent has heard', () => serving.agent.link.session.streamCount === 0);
    wire.socket.resume();
    await wire.closed();
    await until('it is forgotten', () => serving.pool.connectionCount === 0);
    t.equal(serving.pool.idleCount, 0, says);
    await serving.served(backend, 2);
    // oxlint-enable no-await-in-loop
  }
});

test('done before it was connected: it is destroyed', async (t) => {
  const nowhere = new Nowhere();
  const serving = await serve(t, nowhere);
  const exchange = serving.exchange();
  await until('it is served', () => serving.pool.connectionCount === 1);
  exchange.stream.reset(resetCode.done);
  await until('it is forgotten', () => serving.pool.connectionCount === 0);
  t.ok(nowhere.sockets[0]?.destroyed);
});

test('one that waits and speaks, ends or is reset is destroyed: its bytes reach nobody', async (t) => {
  for (const act of ['speaks', 'ends', 'is reset'] as const) {
    // oxlint-disable no-await-in-loop -- one after the other
    const backend = await Backend.listen(t);
    const serving = await serve(t, backend.address);
    await serving.served(backend, 1);
    const wire = await backend.wire(1);
    if (act === 'speaks') wire.write('HTTP/1.1 200 OK\r\n\r\n');
    else if (act === 'ends') wire.end();
    else wire.reset();
    await until('it is forgotten', () => serving.pool.connectionCount === 0);
    t.equal(serving.pool.idleCount, 0, act);
    await serving.served(backend, 2, 'a fresh one');
    t.same(serving.failures, [], 'nobody waited for it: that is no failure');
    // oxlint-enable no-await-in-loop
  }
});

test('the last used first; one more than the pool holds is closed a second later, the one that waits longest', async (t) => {
  const backend = await Backend.listen(t);
  const clock = new HandClock();
  const serving = await serve(t, backend.address, { poolSize: 2, clock });
  const exchanges = [serving.exchange(), serving.exchange(), serving.exchange()];
  for (const [i, exchange] of exchanges.entries()) {
    exchange.say(`${i}`);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await (await backend.wire(i + 1)).until(`${i}`);
  }
  for (const [i, exchange] of exchanges.entries()) {
    exchange.stream.reset(resetCode.done);
    // oxlint-disable-next-line no-await-in-loop
    await until(
      'it is back',
      () => serving.pool.idleCount === i + 1 && serving.agent.link.session.streamCount === 2 - i,
    );
  }
  await turns();
  clock.advance(999);
  t.equal(serving.pool.connectionCount, 3);
  clock.advance(1);
  await backend.wires[0]?.closed();
  t.equal(serving.pool.connectionCount, 2);
  await serving.served(backend, 3, 'the last used');
  await serving.served(backend, 3, 'the last used again');
  t.equal(backend.wires[1]?.leaving, undefined);
  t.equal(backend.wires.length, 3);
});

test('what is more than the pool holds is kept as long as it is used', async (t) => {
  const backend = await Backend.listen(t);
  const clock = new HandClock();
  const serving = await serve(t, backend.address, { poolSize: 1, clock });
  for (let round = 0; round < 6; round += 1) {
    const exchanges = [serving.exchange(), serving.exchange(), serving.exchange()];
    for (const exchange of exchanges) exchange.say('?');
    // oxlint-disable no-await-in-loop -- one round after the other
    await until('all are served', () => serving.agent.link.session.streamCount === 3);
    await Promise.all([1, 2, 3].map(async (number) => (await backend.wire(number)).until('?')));
    for (const { stream } of exchanges) stream.reset(resetCode.done);
    await until('all are back', () => serving.pool.idleCount === 3);
    await turns();
    // oxlint-enable no-await-in-loop
    clock.advance(700);
  }
  t.equal(backend.wires.length, 3, 'none was closed');
  clock.advance(1_300);
  await until('all but one are closed', () => serving.pool.connectionCount === 1);
  t.equal(serving.pool.idleCount, 1);
  clock.advance(120_000);
  t.same([serving.pool.connectionCount, clock.waitingCount], [0, 0]);
});

test('a pool of 0 keeps none', async (t) => {
  const backend = await Backend.listen(t);
  const serving = await serve(t, backend.address, { poolSize: 0 });
  for (const number of [1, 2]) {
    const exchange = serving.exchange();
    exchange.say('?');
    // oxlint-disable no-await-in-loop -- one after the other
    const wire = await backend.wire(number);
    await wire.until('?');
    wire.write('!');
    await exchange.hears('!');
    exchange.stream.reset(resetCode.done);
    await wire.closed();
    await until('it is forgotten', () => serving.pool.connectionCount === 0);
    // oxlint-enable no-await-in-loop
  }
  t.equal(backend.wires.length, 2);
});

test('one that waited too long is closed, the others wait on', async (t) => {
  const clock = new HandClock();
  const backend = await Backend.listen(t);
  const serving = await serve(t, backend.address, { idleTimeoutMs: 60_000, clock });
  const exchanges = [serving.exchange(), serving.exchange(), serving.exchange()];
  for (const exchange of exchanges) exchange.say('?');
  await backend.wire(3);
  await Promise.all(backend.wires.map((wire) => wire.until('?')));
  await turns();
  for (const [i, exchange] of exchanges.entries()) {
    exchange.stream.reset(resetCode.done);
    // oxlint-disable-next-line no-await-in-loop -- 20 s apart
    await until('it waits', () => serving.pool.idleCount === i + 1);
    // oxlint-disable-next-line no-await-in-loop -- it settles
    await turns();
    clock.advance(20_000);
  }
  t.equal(serving.pool.idleCount, 2, 'the first has waited for a minute');
  t.equal(clock.waitingCount, 1, 'one timer for all that wait');
  clock.advance(19_999);
  t.equal(serving.pool.idleCount, 2);
  clock.advance(2);
  t.equal(serving.pool.idleCount, 1);
  await serving.served(backend, 3);
  await turns();
  clock.advance(59_000);
  t.equal(serving.pool.idleCount, 1, 'it waits anew from its last exchange');
  clock.advance(1_001);
  t.same([serving.pool.idleCount, serving.pool.connectionCount, clock.waitingCount], [0, 0, 0]);
  await Promise.all(backend.wires.map((wire) => wire.closed()));
});

test('close destroys them all, and what they carried is reset', async (t) => {
  const backend = await Backend.listen(t);
  const serving = await serve(t, backend.address);
  await serving.served(backend, 1);
  const [first, second] = [serving.exchange(), serving.exchange()];
  for (const exchange of [first, second]) exchange.say('?');
  await (await backend.wire(2)).until('?');
  serving.pool.close();
  t.equal(await first.ends(), 'reset backendReset');
  t.equal(await second.ends(), 'reset backendReset');
  t.same([serving.pool.idleCount, serving.pool.connectionCount], [0, 0]);
  serving.pool.close();
});

test('a thousand exchanges at once have a connection each, and leave what the pool holds', async (t) => {
  const backend = await Backend.listen(t);
  const serving = await serve(t, backend.address, { poolSize: 10 });
  const count = 1_000;
  const exchanges = Array.from({ length: count }, () => serving.exchange());
  for (const exchange of exchanges) exchange.say('?');
  await backend.wire(count);
  await Promise.all(backend.wires.map((wire) => wire.until('?')));
  for (const wire of backend.wires) wire.write('!');
  await until('all are answered', () => exchanges.every(({ heard }) => heard === '!'));
  for (const { stream } of exchanges) stream.reset(resetCode.done);
  await until('all but ten are closed', () => serving.pool.connectionCount === 10);
  t.equal(serving.pool.idleCount, 10);
  t.equal(serving.agent.link.session.heldBytes + serving.proxy.link.session.heldBytes, 0);
});
