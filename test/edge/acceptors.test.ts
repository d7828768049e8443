/** The listening sockets of one port: several connections a turn, one owner of the port, and what they cannot accept. */
/* oxlint-disable no-await-in-loop -- one after the other */
import * as net from 'node:net';
import type { Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import type { Test } from 'tap';
import { Acceptors } from '../../proxy/edge/acceptors.ts';
import type { AcceptorsOwner } from '../../proxy/edge/acceptors.ts';
import { within } from '../e2e/support/deadline.ts';
import { listen } from '../e2e/support/listen.ts';

class Owner implements AcceptorsOwner {
  readonly sockets: Socket[] = [];
  readonly errors: (string | undefined)[] = [];
  /** Called for each connection. */
  readonly each: () => void;

  constructor(each: () => void = () => undefined) {
    this.each = each;
  }

  onConnection(tcp: Socket): void {
    this.sockets.push(tcp);
    this.each();
  }

  onAcceptError(error: NodeJS.ErrnoException): void {
    this.errors.push(error.code);
  }
}

function closing(t: Test, acceptors: Acceptors, owner: Owner): void {
  t.teardown(() => {
    acceptors.close();
    for (const socket of owner.sockets) socket.destroy();
  });
}

test('connections that wait are accepted several a turn of the event loop', async (t) => {
  const turnsOf: number[] = [];
  let turn = 0;
  const count = (): void => {
    turn += 1;
    if (turnsOf.length < 64) setImmediate(count);
  };
  const owner = new Owner(() => turnsOf.push(turn));
  const acceptors = new Acceptors(owner);
  closing(t, acceptors, owner);
  const { port } = await acceptors.listen('127.0.0.1', 0);
  for (let index = 0; index < 64; index += 1) {
    const socket = net.connect({ port, host: '127.0.0.1' });
    t.teardown(() => socket.destroy());
  }
  count();
  await within(5_000, () => `64 connections, after ${turnsOf.length}`, accepted(owner, 64));
  const turns = (turnsOf.at(-1) ?? 0) - (turnsOf[0] ?? 0) + 1;
  t.ok(turns < 40, `64 in ${turns} turns, and not in 64`);
});

test('who has connected before they close is accepted, however many wait', async (t) => {
  const owner = new Owner();
  const acceptors = new Acceptors(owner);
  closing(t, acceptors, owner);
  const { port } = await acceptors.listen('127.0.0.1', 0);
  const clients = Array.from({ length: 200 }, () => net.connect({ port, host: '127.0.0.1' }));
  let resets = 0;
  for (const client of clients) {
    client.on('error', () => (resets += 1));
    t.teardown(() => client.destroy());
  }
  // Their SYNs have left, and no turn has passed in which one of them could have been accepted.
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
  t.equal(owner.sockets.length, 0);
  await acceptors.closeWhenQuiet();
  t.equal(owner.sockets.length, 200);
  const late = net.connect({ port, host: '127.0.0.1' });
  const refused = Promise.withResolvers<string | undefined>();
  late.once('error', (error: NodeJS.ErrnoException) => refused.resolve(error.code));
  t.equal(await refused.promise, 'ECONNREFUSED', 'nobody after that');
  t.equal(resets, 0);
});

test('where they never cease to come, it closes after a second all the same', async (t) => {
  const owner = new Owner(() => again());
  const acceptors = new Acceptors(owner);
  closing(t, acceptors, owner);
  const { port } = await acceptors.listen('127.0.0.1', 0);
  let isClosed = false;
  const again = (): void => {
    if (isClosed) return;
    const client = net.connect({ port, host: '127.0.0.1' });
    client.on('error', () => client.destroy());
    t.teardown(() => client.destroy());
    if (owner.sockets.length > 100) owner.sockets.shift()?.destroy();
  };
  for (let count = 0; count < 16; count += 1) again();
  const startMs = performance.now();
  await within(5_000, () => 'the close', acceptors.closeWhenQuiet());
  isClosed = true;
  t.ok(performance.now() - startMs < 3_000);
});

async function accepted(owner: Owner, wanted: number): Promise<void> {
  while (owner.sockets.length < wanted) await sleep(5);
}

test('port 0 is a free one, and none that somebody has', async (t) => {
  const ports = new Set<number>();
  for (let count = 0; count < 20; count += 1) {
    const owner = new Owner();
    const acceptors = new Acceptors(owner);
    closing(t, acceptors, owner);
    const { port, address } = await acceptors.listen('127.0.0.1', 0);
    t.equal(address, '127.0.0.1');
    ports.add(port);
  }
  t.equal(ports.size, 20);
});

test('a port that is taken cannot be had, by whatever it is taken', async (t) => {
  const owner = new Owner();
  const acceptors = new Acceptors(owner);
  closing(t, acceptors, owner);
  const { port: ours } = await acceptors.listen('127.0.0.1', 0);
  const other = net.createServer();
  t.teardown(() => other.close());
  for (const port of [ours, await listen(other)]) {
    const late = new Acceptors(owner);
    await t.rejects(late.listen('127.0.0.1', port), { code: 'EADDRINUSE' });
  }
  await t.rejects(new Acceptors(owner).listen('192.0.2.1', 0), { code: 'EADDRNOTAVAIL' });
});

test('a port that was let go can be had again at once, also with connections still open', async (t) => {
  const owner = new Owner();
  let acceptors = new Acceptors(owner);
  const { port } = await acceptors.listen('127.0.0.1', 0);
  for (let count = 1; count <= 3; count += 1) {
    const socket = net.connect({ port, host: '127.0.0.1' });
    t.teardown(() => socket.destroy());
    await within(2_000, () => 'a connection', accepted(owner, count));
    acceptors.close();
    acceptors = new Acceptors(owner);
    await within(2_000, () => 'the port', acceptors.listen('127.0.0.1', port));
  }
  closing(t, acceptors, owner);
  t.equal(owner.sockets.length, 3);
});

test('once closed, nobody is accepted', async (t) => {
  const owner = new Owner();
  const acceptors = new Acceptors(owner);
  const { port } = await acceptors.listen('127.0.0.1', 0);
  acceptors.close();
  for (let count = 0; count < 16; count += 1) {
    const refused = new Promise((resolve) => net.connect({ port, host: '127.0.0.1' }).once('error', resolve));
    t.match(await refused, { code: 'ECONNREFUSED' });
  }
  t.equal(owner.sockets.length, 0);
});

/** The acceptors, on sockets that a test has its hands on. */
async function withServers(
  t: Test,
  refuseSharing: boolean,
): Promise<{ Class: typeof Acceptors; servers: Server[] }> {
  const servers: Server[] = [];
  const createServer = (options: net.ServerOpts, onConnection: (socket: Socket) => void): Server => {
    const server = net.createServer(options, onConnection);
    servers.push(server);
    if (refuseSharing) refuse(server);
    return server;
  };
  const { Acceptors: Class }: { Acceptors: typeof Acceptors } = await t.mockImport(
    '../../proxy/edge/acceptors.ts',
    { 'node:net': { ...net, createServer } },
  );
  return { Class, servers };
}

/** As on a system that cannot spread connections. */
function refuse(server: Server): void {
  const real = server.listen.bind(server);
  Reflect.set(server, 'listen', (options: net.ListenOptions, listening?: () => void): Server => {
    if (options.reusePort !== true) return real(options, listening);
    process.nextTick(() =>
      server.emit('error', Object.assign(new Error('listen ENOTSUP'), { code: 'ENOTSUP' })),
    );
    return server;
  });
}

test('a connection that cannot be accepted is told, and the port goes on', async (t) => {
  const { Class, servers } = await withServers(t, false);
  const owner = new Owner();
  const acceptors = new Class(owner);
  closing(t, acceptors, owner);
  const { port } = await acceptors.listen('127.0.0.1', 0);
  for (const server of servers)
    server.emit('error', Object.assign(new Error('accept ENOBUFS'), { code: 'ENOBUFS' }));
  t.same([...new Set(owner.errors)], ['ENOBUFS']);
  t.equal(owner.errors.length, servers.length, 'of each of them');
  const socket = net.connect({ port, host: '127.0.0.1' });
  t.teardown(() => socket.destroy());
  await within(2_000, () => 'a connection', accepted(owner, 1));
});

test('where connections cannot be spread, one socket has to do', async (t) => {
  const { Class, servers } = await withServers(t, true);
  const owner = new Owner();
  const acceptors = new Class(owner);
  closing(t, acceptors, owner);
  const { port } = await acceptors.listen('127.0.0.1', 0);
  t.equal(servers.filter((server) => server.listening).length, 1);
  const socket = net.connect({ port, host: '127.0.0.1' });
  t.teardown(() => socket.destroy());
  await within(2_000, () => 'a connection', accepted(owner, 1));
});

test('who comes while the sockets are opened is served, and not before the address is known', async (t) => {
  const { port } = await freePort();
  let isKnown = false;
  const early: boolean[] = [];
  const owner = new Owner(() => early.push(isKnown));
  const acceptors = new Acceptors(owner);
  closing(t, acceptors, owner);
  let stop = false;
  let served = 0;
  let broken = 0;
  const knock = (): void => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    let isConnected = false;
    socket.once('connect', () => {
      isConnected = true;
      served += 1;
    });
    socket.once('error', () => {
      if (isConnected) broken += 1;
      socket.destroy();
    });
    t.teardown(() => socket.destroy());
    if (!stop) setTimeout(knock, 2);
  };
  knock();
  knock();
  slowDown(t);
  await acceptors.listen('127.0.0.1', port);
  isKnown = true;
  stop = true;
  await sleep(100);
  t.ok(served > 0, `${served} came`);
  t.equal(broken, 0, 'nobody is reset');
  await within(5_000, () => `${served} connections, after ${owner.sockets.length}`, accepted(owner, served));
  t.ok(early.every(Boolean), 'after the address is known');
});

async function freePort(): Promise<{ port: number }> {
  const server = net.createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return { port };
}

/** Each socket that listens says so 30 ms late: what lies between two of them can be seen. */
function slowDown(t: Test): void {
  const original: unknown = Reflect.get(net.Server.prototype, 'listen');
  if (typeof original !== 'function') throw new Error('a server that does not listen');
  t.teardown(() => void Reflect.set(net.Server.prototype, 'listen', original));
  Reflect.set(
    net.Server.prototype,
    'listen',
    function listenLate(this: Server, options: object, told: () => void) {
      return Reflect.apply(original, this, [options, () => setTimeout(told, 30)]);
    },
  );
}
