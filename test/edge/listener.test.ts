/** The port: who is let in, how connections of balancers begin, and what does not end it. */
import { connect } from 'node:net';
import { test } from 'tap';
import type { Test } from 'tap';
import { Networks } from '../../shared/net/networks.ts';
import { Wire, dial } from '../e2e/support/wire.ts';
import { answer, startEdge } from './edge.ts';
import type { Asked, Edge } from './edge.ts';
import { binaryHead } from './proxy-heads.ts';

const request = 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const trusted = new Networks([{ address: '127.0.0.2', prefixLength: 32, family: 'ipv4' }]);
const head = 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n';

/** From an address of its own: 127.0.0.0/8 is all loopback. */
function dialFrom(t: Test, edge: Edge, localAddress: string): Wire {
  const socket = connect({ host: edge.host, port: edge.port, localAddress, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  return new Wire(socket);
}

/** Answers with what the connection knows of its client. */
function whoIsIt(asked: Asked): void {
  const { address, isTrusted, isSecure } = asked.client;
  answer(asked, Buffer.from(`${address} trusted=${isTrusted} secure=${isSecure};`));
}

function startBehindBalancer(t: Test): Promise<Edge> {
  const options = { trusted, expectsProxyProtocol: true };
  return startEdge(t, { options, limits: { firstByteTimeoutMs: 600 }, onAsked: whoIsIt });
}

for (const [what, bytes, who] of [
  ['v1', Buffer.from(head), '192.0.2.1 trusted=false'],
  ['v1 of IPv6', Buffer.from('PROXY TCP6 2001:db8::9 2001:db8::1 1 2\r\n'), '2001:db8::9 trusted=false'],
  [
    'v1 of another trusted proxy',
    Buffer.from('PROXY TCP4 127.0.0.2 127.0.0.1 1 2\r\n'),
    '127.0.0.2 trusted=true',
  ],
  ['v2', binaryHead({ source: [192, 0, 2, 1], destination: [198, 51, 100, 1] }), '192.0.2.1 trusted=false'],
  ['v2 LOCAL: the balancer itself', binaryHead({ command: 0x20, family: 0 }), '127.0.0.2 trusted=false'],
  ['v1 UNKNOWN: somebody behind it', Buffer.from('PROXY UNKNOWN\r\n'), '127.0.0.2 trusted=false'],
  ['v2 UNSPEC: somebody behind it', binaryHead({ family: 0 }), '127.0.0.2 trusted=false'],
] as const) {
  test(`${what}: ${who}, in one piece, in two, and byte by byte`, async (t) => {
    const edge = await startBehindBalancer(t);
    const whole = dialFrom(t, edge, '127.0.0.2');
    whole.write(Buffer.concat([bytes, Buffer.from(request)]));
    await whole.until(`${who} secure=false;`);
    t.equal(await whole.left(), 'fin');
    const two = dialFrom(t, edge, '127.0.0.2');
    two.socket.once('connect', () => two.write(bytes));
    await sent(two, bytes.length);
    two.write(request);
    await two.until(`${who} secure=false;`);
    const slow = dialFrom(t, edge, '127.0.0.2');
    for (const byte of [...bytes, ...Buffer.from(request)]) {
      slow.write(Uint8Array.of(byte));
      // oxlint-disable-next-line no-await-in-loop -- each in a turn of its own
      await new Promise(setImmediate);
    }
    await slow.until(`${who} secure=false;`);
    t.same(edge.turnedAway, []);
  });
}

async function sent(wire: Wire, byteCount: number): Promise<void> {
  const { socket } = wire;
  // oxlint-disable-next-line no-await-in-loop -- until the kernel has it
  while (socket.bytesWritten < byteCount || socket.writableLength > 0) await new Promise(setImmediate);
}

for (const [what, bytes, code] of [
  ['no head', request, 'proxy_head_missing'],
  ['a malformed head', 'PROXY TCP4 x y 1 2\r\n', 'proxy_head_malformed'],
  ['a head without end', `PROXY UNKNOWN ${'x'.repeat(200)}`, 'proxy_head_too_long'],
] as const) {
  test(`from a trusted network, ${what}: closed without a word, and told`, async (t) => {
    const edge = await startBehindBalancer(t);
    const wire = dialFrom(t, edge, '127.0.0.2');
    wire.write(bytes);
    await wire.closed();
    t.equal(wire.unread.length, 0);
    t.same(edge.turnedAway, [`${code} 127.0.0.2`]);
    t.equal(edge.listener.connectionCount, 0);
  });
}

test('a balancer that says nothing, or half a head, is closed in time, and so is one that leaves', async (t) => {
  const edge = await startBehindBalancer(t);
  const silent = dialFrom(t, edge, '127.0.0.2');
  const half = dialFrom(t, edge, '127.0.0.2');
  half.write(head.slice(0, 20));
  const drip = setInterval(() => half.write('1'), 100);
  const leaving = dialFrom(t, edge, '127.0.0.2');
  leaving.write(head.slice(0, 20));
  leaving.end();
  await leaving.closed();
  await silent.closed();
  await half.closed().finally(() => clearInterval(drip));
  t.equal(edge.listener.connectionCount, 0);
  t.same(edge.turnedAway, [], 'nothing to tell: it happens');
});

test('from elsewhere no head is read: it is a bad request, of either version', async (t) => {
  const edge = await startBehindBalancer(t);
  for (const bytes of [Buffer.from(head + request), binaryHead({ command: 0x20, family: 0 })]) {
    const wire = dialFrom(t, edge, '127.0.0.1');
    wire.write(bytes);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await wire.until('HTTP/1.1 400 ');
  }
  const plain = dialFrom(t, edge, '127.0.0.1');
  plain.write(request);
  await plain.until('127.0.0.1 trusted=false secure=false;');
});

test('where the PROXY protocol is off, a trusted client that speaks it is a bad request too', async (t) => {
  const edge = await startEdge(t, { options: { trusted }, onAsked: whoIsIt });
  const wire = dialFrom(t, edge, '127.0.0.2');
  wire.write(head + request);
  await wire.until('HTTP/1.1 400 ');
  const plain = dialFrom(t, edge, '127.0.0.2');
  plain.write(request);
  await plain.until('127.0.0.2 trusted=true secure=false;');
});

test('the clients of one balancer count each for themselves', async (t) => {
  const options = { trusted, expectsProxyProtocol: true };
  const edge = await startEdge(t, { options, limits: { maxConnectionsPerAddress: 2 }, onAsked: whoIsIt });
  const keep = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const comes = async (from: string): Promise<Wire> => {
    const wire = dialFrom(t, edge, '127.0.0.2');
    wire.write(`PROXY TCP4 ${from} 198.51.100.1 1 2\r\n${keep}`);
    return wire;
  };
  for (const from of ['192.0.2.1', '192.0.2.1', '192.0.2.2', '192.0.2.2']) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await (await comes(from)).until(`${from} trusted=false`);
  }
  t.equal(await (await comes('192.0.2.1')).left(), 'reset', 'the third of one client');
  await (await comes('192.0.2.3')).until('192.0.2.3 ');
  t.same(edge.turnedAway, ['too_many_connections_of_address 192.0.2.1']);
  t.equal(edge.listener.connectionCount, 5);
});

test('stopping ends a connection whose head has not come', async (t) => {
  const edge = await startBehindBalancer(t);
  const wire = dialFrom(t, edge, '127.0.0.2');
  wire.write(head.slice(0, 10));
  const idle = await dial(t, edge);
  // oxlint-disable-next-line no-await-in-loop -- the listener tells nobody
  while (edge.listener.connectionCount < 2) await new Promise(setImmediate);
  await edge.listener.drain(new AbortController().signal);
  t.equal(await idle.left(), 'fin');
  t.equal(await wire.left(), 'fin');
});

test('a connection that could not be accepted is told by its reason', async (t) => {
  const edge = await startEdge(t, { onAsked: whoIsIt });
  edge.listener.onAcceptError(Object.assign(new Error('accept ENOBUFS'), { code: 'ENOBUFS' }));
  t.same(edge.turnedAway, ['accept_enobufs undefined']);
});
