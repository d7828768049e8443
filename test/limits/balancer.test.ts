/**
 * A TCP balancer in front (PROXY_PROTOCOL): its clients are seen for what they are, over plain TCP and under TLS, and what
 * does not begin as it must goes nowhere. The balancer is 127.0.0.2.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { t as file, test } from 'tap';
import type { Test } from 'tap';
import { binaryHead } from '../edge/proxy-heads.ts';
import { createCertificate } from '../e2e/support/certificate.ts';
import { readResponse, value } from '../e2e/support/message.ts';
import { Recorder } from '../e2e/support/recorder.ts';
import { createSecret, linksUp, mintToken, startAgent, startProxy } from '../e2e/support/tunnel.ts';
import type { Env, Proxy } from '../e2e/support/tunnel.ts';
import { Wire } from '../e2e/support/wire.ts';
import { beside, reply, startBench } from './bench.ts';

const balancer = '127.0.0.2';
const env: Env = { PROXY_PROTOCOL: 'true', TRUSTED_PROXIES: `${balancer}/32` };
const plain = await startBench(file, env);

const certificate = createCertificate();
const folder = await mkdtemp(join(tmpdir(), 'balancer-'));
file.teardown(() => rm(folder, { recursive: true, force: true }));
const files = { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') };
await Promise.all([
  writeFile(files.TLS_CERT_FILE, certificate.cert),
  writeFile(files.TLS_KEY_FILE, certificate.key),
]);
const tlsBackend = await Recorder.listen(file);
const secure = await startSecure();

async function startSecure(): Promise<Proxy> {
  const secret = createSecret();
  const [proxy, token] = await Promise.all([
    startProxy(file, { secret, env: { ...env, ...files } }),
    mintToken(file, secret, ['--backend', 'default']),
  ]);
  const agentEnv = { PROXY_CA_FILE: files.TLS_CERT_FILE };
  await linksUp(startAgent(file, { proxy, token, backend: tlsBackend.address, env: agentEnv }), 2);
  return proxy;
}

const heads: readonly (readonly [what: string, head: Uint8Array, client: string])[] = [
  ['v1', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n'), '192.0.2.1'],
  ['v1 of IPv6', Buffer.from('PROXY TCP6 2001:db8::9 2001:db8::1 56324 443\r\n'), '2001:db8::9'],
  ['v2', binaryHead({ source: [192, 0, 2, 2], destination: [198, 51, 100, 1] }), '192.0.2.2'],
  [
    'v2 with 3 KiB of extensions',
    binaryHead({ source: [192, 0, 2, 3], destination: [198, 51, 100, 1], behind: [...randomBytes(3_000)] }),
    '192.0.2.3',
  ],
  ['v2 LOCAL', binaryHead({ command: 0x20, family: 0 }), balancer],
  ['v1 UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), balancer],
];

function dialFrom(t: Test, from: string, port = plain.port): Socket {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  return socket;
}

let count = 0;

for (const [what, head, address] of heads) {
  test(`${what}: the backend and the log hear of ${address}, and a claim of the client's own is dropped`, async (t) => {
    await beside(t, plain, async () => {
      for (const isTogether of [true, false]) {
        const path = `/plain/${(count += 1)}`;
        const socket = dialFrom(t, balancer);
        const client = new Wire(socket);
        const request = `GET ${path} HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n`;
        if (isTogether) client.write(Buffer.concat([head, Buffer.from(request)]));
        else
          for (const byte of [...head, ...Buffer.from(request)])
            await writeAlone(socket, Uint8Array.of(byte));
        const asked = await plain.backend.take(path);
        t.equal(value(asked, 'x-forwarded-for'), address);
        t.equal(value(asked, 'x-forwarded-proto'), 'http');
        reply(asked);
        t.equal((await readResponse(client)).status, 200);
        const logged = await plain.tunnel.proxy?.line((line) => line['path'] === path);
        t.equal(logged?.['client'], address);
      }
    });
  });
}

async function writeAlone(socket: Socket, bytes: Uint8Array): Promise<void> {
  await new Promise((resolve) => socket.write(bytes, resolve));
  await new Promise(setImmediate);
}

/** A client of TLS whose first bytes leave with the balancer's head, in one piece, or behind it. */
async function tlsBehind(t: Test, head: Uint8Array, isTogether: boolean): Promise<Wire> {
  const tcp = dialFrom(t, balancer, secure.port);
  await once(tcp, 'connect');
  if (!isTogether) await writeAlone(tcp, head);
  let isFirst = isTogether;
  const wire = new Duplex({
    read: () => tcp.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      const bytes = isFirst ? Buffer.concat([head, chunk]) : chunk;
      isFirst = false;
      tcp.write(bytes, done);
    },
    final: (done) => tcp.end(done),
  });
  tcp.on('data', (chunk: Buffer) => wire.push(chunk));
  tcp.on('end', () => wire.push(null));
  const socket = connectTls({ socket: wire, ca: certificate.cert, servername: 'localhost' });
  t.teardown(() => socket.destroy());
  await once(socket, 'secureConnect');
  t.ok(socket.authorized);
  return new Wire(socket);
}

for (const [what, head, address] of heads) {
  for (const isTogether of [true, false]) {
    const how = isTogether ? 'the ClientHello in the same packet' : 'the ClientHello in a later one';

    test(`under TLS, ${what}, ${how}: the client is ${address}, and a megabyte goes each way`, async (t) => {
      const client = await tlsBehind(t, head, isTogether);
      const path = `/tls/${(count += 1)}`;
      const [up, down] = [randomBytes(2 ** 20), randomBytes(2 ** 20)];
      client.write(`PUT ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${up.length}\r\n\r\n`);
      client.write(up);
      const asked = await tlsBackend.take(path);
      t.ok((await asked.wire.take(up.length)).equals(up), 'up');
      asked.wire.write(`HTTP/1.1 200 OK\r\nContent-Length: ${down.length}\r\n\r\n`);
      asked.wire.write(down);
      asked.release();
      t.ok((await readResponse(client)).body.equals(down), 'down');
      t.equal(value(asked, 'x-forwarded-for'), address);
      t.equal(value(asked, 'x-forwarded-proto'), 'https');
      client.write(`GET ${path}/next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
      reply(await tlsBackend.take(`${path}/next`));
      t.equal((await readResponse(client)).status, 200);
      t.equal(await client.left(), 'fin', 'and it ends in order');
    });
  }
}

test('a trusted network without the head: closed without a word, and logged once', async (t) => {
  await beside(t, plain, async () => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const client = new Wire(dialFrom(t, balancer));
      client.write('GET /no-head HTTP/1.1\r\nHost: h\r\n\r\n');
      await client.closed();
      t.equal(client.unread.length, 0);
    }
  });
  const told = plain.tunnel.proxy?.lines.filter((line) => line['code'] === 'proxy_head_missing') ?? [];
  t.equal(told.length, 1);
  t.equal(told[0]?.['address'], balancer);
  t.equal(told[0]?.['level'], 'warn');
});

test('another network with the head: 400, of either version, and under TLS no handshake', async (t) => {
  for (const [what, head] of heads) {
    const client = new Wire(dialFrom(t, '127.0.0.1'));
    client.write(Buffer.concat([head, Buffer.from('GET /evil HTTP/1.1\r\nHost: h\r\n\r\n')]));
    t.equal((await readResponse(client)).status, 400, what);
    const tls = new Wire(dialFrom(t, '127.0.0.1', secure.port));
    tls.write(head);
    await tls.left();
    t.notMatch(tls.unread.toString('latin1'), /HTTP/, `${what}, under TLS`);
  }
});
