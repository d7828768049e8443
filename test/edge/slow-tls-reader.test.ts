/** Slow clients once more, under TLS: what the kernel has taken is seen through it, and behind the PROXY protocol too. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { test } from 'tap';
import type { Test } from 'tap';
import { Networks } from '../../shared/net/networks.ts';
import { createTlsWrap } from '../../proxy/edge/tls.ts';
import { createCertificate } from '../e2e/support/certificate.ts';
import { within } from '../e2e/support/deadline.ts';
import { answer, startEdge } from './edge.ts';
import type { Edge } from './edge.ts';
import { takeInSteps } from './slow-taking.ts';

const large = Buffer.alloc(24 * 1024 * 1024, 'x');
const { cert, key } = createCertificate();
const proxyHead = 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n';

function startTls(t: Test, isBehindBalancer: boolean, minSendBytesPerSecond: number): Promise<Edge> {
  const loopback = new Networks([{ address: '127.0.0.0', prefixLength: 8, family: 'ipv4' }]);
  return startEdge(t, {
    limits: { sendTimeoutMs: 900, minSendBytesPerSecond },
    options: {
      secure: createTlsWrap({ certificate: cert, key }),
      trusted: loopback,
      expectsProxyProtocol: isBehindBalancer,
    },
    onAsked: (asked) => answer(asked, large),
  });
}

async function ask(t: Test, edge: Edge, isBehindBalancer: boolean): Promise<TLSSocket> {
  const tcp = connect({ host: edge.host, port: edge.port });
  if (isBehindBalancer) tcp.write(proxyHead);
  const socket = connectTls({ socket: tcp, ca: cert, servername: 'localhost' });
  t.teardown(() => socket.destroy());
  await once(socket, 'secureConnect');
  socket.on('error', () => {});
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  return socket;
}

for (const isBehindBalancer of [false, true]) {
  const where = isBehindBalancer ? ' behind the PROXY protocol' : '';

  test(`a client of TLS${where} that takes nothing is reset`, async (t) => {
    const edge = await startTls(t, isBehindBalancer, 1e9);
    const socket = await ask(t, edge, isBehindBalancer);
    const startedAtMs = performance.now();
    await within(5_000, () => 'the connection to be gone', edge.emptied());
    const tookMs = performance.now() - startedAtMs;
    t.ok(tookMs > 800 && tookMs < 3_000, `after ${tookMs.toFixed()} ms`);
    t.equal(socket.authorized, true);
  });

  test(`a slow client of TLS${where} above the least rate is not`, async (t) => {
    const edge = await startTls(t, isBehindBalancer, 1_000_000);
    const socket = await ask(t, edge, isBehindBalancer);
    const startedAtMs = performance.now();
    const taken = await takeInSteps(socket, 4 * 1024 * 1024, 300, large.length);
    const tookMs = performance.now() - startedAtMs;
    t.ok(taken >= large.length, `${taken} bytes in ${tookMs.toFixed()} ms`);
    t.ok(tookMs > 900, 'longer than the time-out');
  });
}
