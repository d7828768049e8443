/**
 * TLS behind the PROXY protocol when something goes wrong: whatever the client does and wherever it leaves, its connection
 * ends, nothing else does, and what it sends is not taken faster than it is read.
 */
/* oxlint-disable no-await-in-loop -- one client after the other */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { test } from 'tap';
import type { Test } from 'tap';
import { Networks } from '../../shared/net/networks.ts';
import { createTlsWrap } from '../../proxy/edge/tls.ts';
import { createCertificate } from '../e2e/support/certificate.ts';
import { within } from '../e2e/support/deadline.ts';
import { answer, startEdge, takingAll } from './edge.ts';
import type { Asked, Edge } from './edge.ts';

const { cert, key } = createCertificate();
const head = 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n';
const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const large = Buffer.alloc(8 * 1024 * 1024, 'x');

function start(t: Test, onAsked: (asked: Asked) => void): Promise<Edge> {
  return startEdge(t, {
    options: {
      secure: createTlsWrap({ certificate: cert, key }),
      trusted: new Networks([{ address: '127.0.0.0', prefixLength: 8, family: 'ipv4' }]),
      expectsProxyProtocol: true,
    },
    onAsked,
  });
}

async function dialTcp(t: Test, edge: Edge): Promise<Socket> {
  const tcp = connect({ host: edge.host, port: edge.port });
  t.teardown(() => tcp.destroy());
  tcp.on('error', () => {});
  await once(tcp, 'connect');
  tcp.write(head);
  return tcp;
}

async function handshake(t: Test, tcp: Socket): Promise<TLSSocket> {
  const socket = connectTls({ socket: tcp, ca: cert, servername: 'localhost' });
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

async function isEmpty({ listener }: Edge): Promise<void> {
  // In this very process: by then it has been accepted.
  do await sleep(20);
  while (listener.connectionCount > 0);
}

const ways: readonly (readonly [what: string, leave: (t: Test, tcp: Socket) => Promise<void>])[] = [
  ['a reset behind the head', async (_t, tcp) => void tcp.resetAndDestroy()],
  ['an end behind the head', async (_t, tcp) => void tcp.end()],
  ['no TLS', async (_t, tcp) => void tcp.write(request)],
  [
    'half a ClientHello and an end',
    async (_t, tcp) => void tcp.end(Buffer.from('1603010200010001fc0303', 'hex')),
  ],
  [
    'a reset in the middle of the handshake',
    async (_t, tcp) => {
      connectTls({ socket: tcp, ca: cert, servername: 'localhost' }).on('error', () => {});
      await new Promise(setImmediate);
      tcp.resetAndDestroy();
    },
  ],
  [
    'a certificate that is not believed',
    async (_t, tcp) => void connectTls({ socket: tcp }).on('error', () => {}),
  ],
  [
    'a reset behind the handshake',
    async (t, tcp) => void ((await handshake(t, tcp)) && tcp.resetAndDestroy()),
  ],
  ['an end behind the handshake', async (t, tcp) => void (await handshake(t, tcp)).end()],
  [
    'a reset in the middle of a request',
    async (t, tcp) => {
      (await handshake(t, tcp)).write('GET / HT', () => tcp.resetAndDestroy());
    },
  ],
  [
    'a reset in the middle of an answer',
    async (t, tcp) => {
      const socket = await handshake(t, tcp);
      socket.write(request);
      await once(socket, 'data');
      tcp.resetAndDestroy();
    },
  ],
  [
    'bytes that are no TLS in the middle of it',
    async (t, tcp) => {
      await handshake(t, tcp);
      tcp.write('these are no records');
    },
  ],
];

for (const [what, leave] of ways) {
  test(`${what}: the connection is over, and the next client is served`, async (t) => {
    const edge = await start(t, (asked) => answer(asked, large));
    for (let round = 0; round < 5; round += 1) {
      await leave(t, await dialTcp(t, edge));
      await within(3_000, () => `the end of round ${round}`, isEmpty(edge));
    }
    const socket = await handshake(t, await dialTcp(t, edge));
    socket.write(request);
    let taken = 0;
    for await (const chunk of socket) {
      taken += chunk.length;
      if (taken > large.length) break;
    }
    t.ok(taken > large.length);
  });
}

test('an upload that nobody reads stays with the client', async (t) => {
  const edge = await start(t, ({ client }) => client.listen(takingAll({ bodyRoom: () => 0 })));
  const socket = await handshake(t, await dialTcp(t, edge));
  socket.write('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
  let pieces = 0;
  const piece = Buffer.alloc(256 * 1024);
  const isTaken = async (): Promise<boolean> =>
    Promise.race([
      new Promise<boolean>((resolve) => socket.write(piece, () => resolve(true))),
      sleep(400, false),
    ]);
  while (pieces < 200 && (await isTaken())) pieces += 1;
  t.ok(pieces < 100, `${(pieces * piece.length) / 2 ** 20} MiB, and then nobody takes more`);
});

test('a client that half-closes behind its request still gets its answer', async (t) => {
  const edge = await start(t, (asked) => setTimeout(() => answer(asked, Buffer.from('late')), 50));
  const socket = await handshake(t, await dialTcp(t, edge));
  socket.end(request);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  t.match(text, /late$/);
});
