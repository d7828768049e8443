/**
 * How many connections, how many requests on each, and how much of what is pipelined (RULES 47, 48). Several clients are
 * several addresses of loopback.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { networkInterfaces } from 'node:os';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { t as file, test } from 'tap';
import type { Test } from 'tap';
import { readResponse, value } from '../e2e/support/message.ts';
import { startProxy } from '../e2e/support/tunnel.ts';
import { Wire, dial } from '../e2e/support/wire.ts';
import type { Target } from '../e2e/support/wire.ts';
import { beside, reply, startBench } from './bench.ts';

const bench = await startBench(file, {
  MAX_CONNECTIONS: '8',
  MAX_CONNECTIONS_PER_ADDRESS: '3',
  MAX_REQUESTS_PER_CONNECTION: '3',
  MAX_PIPELINED_BYTES: '1KiB',
});

/** The proxy answers this itself: the connection is up and served. */
const ping = 'OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n';

function dialFrom(t: Test, target: Target, localAddress: string): Wire {
  const socket = connect({ host: target.host, port: target.port, localAddress, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  return new Wire(socket);
}

/** Whether one more connection from there is served, or reset. */
async function comes(
  t: Test,
  target: Target,
  localAddress: string,
): Promise<{ wire: Wire; isServed: boolean }> {
  const wire = dialFrom(t, target, localAddress);
  wire.write(ping);
  const isServed = await Promise.race([
    readResponse(wire).then(
      () => true,
      () => false,
    ),
    wire.left().then(() => wire.unread.length > 0),
  ]);
  return { wire, isServed };
}

async function served(t: Test, localAddress: string, target: Target = bench): Promise<boolean> {
  return (await comes(t, target, localAddress)).isServed;
}

/** Leaves, and waits until the proxy has noticed: until another one from there is served again. */
async function leave(t: Test, wire: Wire, localAddress: string): Promise<Wire> {
  wire.socket.destroy();
  for (;;) {
    const { wire: next, isServed } = await comes(t, bench, localAddress);
    if (isServed) return next;
    await sleep(20);
  }
}

test('connections of one address: exactly so many are served, one more is reset, and one that leaves makes room', async (t) => {
  await beside(t, bench, async () => {
    const open: Wire[] = [];
    for (let count = 1; count <= 3; count += 1) {
      const { wire, isServed } = await comes(t, bench, '127.0.0.5');
      t.ok(isServed, `the connection ${count} of 127.0.0.5`);
      open.push(wire);
    }
    const { wire: more, isServed } = await comes(t, bench, '127.0.0.5');
    t.notOk(isServed, 'one more');
    t.equal(await more.left(), 'reset');
    const other = await comes(t, bench, '127.0.0.6');
    t.ok(other.isServed, 'another address has its own');
    const [first] = open;
    if (first === undefined) throw new Error('three are open');
    open.push(await leave(t, first, '127.0.0.5'));
    t.notOk(await served(t, '127.0.0.5'), 'and they are three again');
    for (const wire of [...open, other.wire]) wire.socket.destroy();
  });
  const told = await bench.tunnel.proxy?.line((line) => line['code'] === 'too_many_connections_of_address');
  t.equal(told?.['address'], '127.0.0.5');
});

test('connections in all: exactly so many, and one more from anywhere is reset', async (t) => {
  // Those of the honest client are among them: it has one or none.
  const honest = await dial(t, bench);
  honest.write(ping);
  await readResponse(honest);
  await nobodyElse(t);
  const open: Wire[] = [];
  for (let count = 1; count < 8; count += 1) {
    const { wire, isServed } = await comes(t, bench, `127.0.1.${count}`);
    t.ok(isServed, `the connection ${count + 1}`);
    open.push(wire);
  }
  t.notOk(await served(t, '127.0.1.100'), 'one more');
  honest.write(ping);
  t.equal((await readResponse(honest)).status, 200, 'whoever is in is served');
  const [first] = open;
  if (first === undefined) throw new Error('seven are open');
  open.push(await leave(t, first, '127.0.1.1'));
  t.notOk(await served(t, '127.0.1.100'));
  for (const wire of [...open, honest]) wire.socket.destroy();
  const told = await bench.tunnel.proxy?.line((line) => line['code'] === 'too_many_connections');
  t.equal(told?.['address'], '127.0.1.100');
});

/** Waits until all connections of earlier tests are gone: until seven more fit. */
async function nobodyElse(t: Test): Promise<void> {
  for (;;) {
    const wires: Wire[] = [];
    let all = true;
    for (let count = 1; count < 8; count += 1) {
      const { wire, isServed } = await comes(t, bench, `127.0.2.${count}`);
      wires.push(wire);
      all &&= isServed;
    }
    for (const wire of wires) wire.socket.destroy();
    await sleep(50);
    if (all) return;
  }
}

test('MAX_REQUESTS_PER_CONNECTION: the last is answered with Connection: close, and the connection ends', async (t) => {
  const client = await dial(t, bench);
  for (const count of [1, 2, 3, 4]) client.write(`GET /many/${count} HTTP/1.1\r\nHost: h\r\n\r\n`);
  for (const count of [1, 2, 3]) {
    reply(await bench.backend.take(`/many/${count}`));
    const message = await readResponse(client);
    t.equal(message.status, 200);
    t.equal(value(message, 'connection'), count === 3 ? 'close' : undefined, `answer ${count}`);
  }
  t.equal(await client.left(), 'fin');
  t.equal(client.unread.length, 0, 'the fourth is not answered');
});

test('MAX_PIPELINED_BYTES: while an answer is waited for, what follows stays with the client', async (t) => {
  await beside(t, bench, async () => {
    const client = await dial(t, bench);
    client.write('GET /first HTTP/1.1\r\nHost: h\r\n\r\n');
    const asked = await bench.backend.take('/first');
    const flood = Buffer.alloc(256 * 1024, 'GET /flood HTTP/1.1\r\nHost: h\r\n\r\n');
    const maxPieces = 256;
    let pieces = 0;
    while (pieces < maxPieces && (await isTaken(client, flood))) pieces += 1;
    t.ok(
      pieces < maxPieces,
      `the kernel takes ${(pieces * flood.length) / 2 ** 20} MiB, and then nobody does`,
    );
    reply(asked);
    t.equal((await readResponse(client)).status, 200);
    for (let count = 0; count < 2; count += 1) {
      reply(await bench.backend.take('/flood'));
      t.equal((await readResponse(client)).status, 200, 'those that were held are answered in their turn');
    }
    await client.closed();
  });
});

/** Whether the kernel takes these bytes within a time in which a proxy that reads would have read them. */
async function isTaken(wire: Wire, bytes: Uint8Array): Promise<boolean> {
  const taken = new Promise<boolean>((resolve) => wire.socket.write(bytes, () => resolve(true)));
  return Promise.race([taken, sleep(500, false)]);
}

test('a header-only flood of pipelined requests gets its answers, and nothing else is held up', async (t) => {
  await beside(t, bench, async () => {
    for (let round = 0; round < 20; round += 1) {
      const client = await dial(t, bench);
      client.write(ping.repeat(100));
      for (const count of [1, 2, 3]) {
        const message = await readResponse(client);
        t.equal(value(message, 'connection'), count === 3 ? 'close' : undefined);
      }
      client.socket.destroy();
    }
  });
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === '::1'),
);

test(
  'IPv6: a /64 is one address, and IPv4 clients of the same port are each their own',
  {
    skip: hasIpv6 ? false : 'this machine has no ::1',
  },
  async (t) => {
    const env = { HOST: '::', MAX_CONNECTIONS_PER_ADDRESS: '2' };
    const proxy = await startProxy(t, { secret: 'x'.repeat(64), env });
    const six = { host: '::1', port: proxy.port };
    for (const expected of [true, true, false]) t.equal(await served(t, '::1', six), expected, 'from ::1');
    for (const address of ['127.0.0.5', '127.0.0.6'])
      for (const expected of [true, true, false])
        t.equal(
          await served(t, address, { host: '127.0.0.1', port: proxy.port }),
          expected,
          `from ${address}`,
        );
    const told = await proxy.program.line((line) => line['code'] === 'too_many_connections_of_address');
    t.equal(told['address'], '::1');
  },
);
