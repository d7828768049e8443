/**
 * TLS where it can stand: clients and agents to the proxy, the agent to its backend; and a backend on a unix socket.
 * Certificates are checked: without the authority nothing is trusted.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import type { IncomingMessage } from 'node:http';
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { t as file, test } from 'tap';
import { createCertificate } from './support/certificate.ts';
import { readResponse, value } from './support/message.ts';
import { says } from './support/program.ts';
import { Recorder } from './support/recorder.ts';
import {
  createSecret,
  linksUp,
  mintToken,
  productOnly,
  startAgent,
  startProxy,
  startTunnel,
} from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const certificate = createCertificate();
const folder = await mkdtemp(join(tmpdir(), 'e2e-tls-'));
file.teardown(() => rm(folder, { recursive: true, force: true }));
const certFile = join(folder, 'cert.pem');
const keyFile = join(folder, 'key.pem');
await Promise.all([writeFile(certFile, certificate.cert), writeFile(keyFile, certificate.key)]);

test('clients and agents come by TLS to a proxy with a certificate', productOnly, async (t) => {
  const secret = createSecret();
  const backend = await Recorder.listen(t);
  const [proxy, token] = await Promise.all([
    startProxy(t, { secret, env: { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile } }),
    mintToken(t, secret, ['--backend', 'default']),
  ]);
  t.match(proxy.url, /^wss:/);
  const agent = startAgent(t, { proxy, token, backend: backend.address, env: { PROXY_CA_FILE: certFile } });
  await linksUp(agent, 2);

  const answer = Promise.withResolvers<IncomingMessage>();
  const request = httpsRequest(
    {
      host: proxy.host,
      port: proxy.port,
      path: '/over-tls',
      method: 'POST',
      ca: certificate.cert,
      agent: false,
    },
    answer.resolve,
  );
  request.once('error', answer.reject);
  request.end('secret body');
  const asked = await backend.take('/over-tls');
  t.equal(value(asked, 'x-forwarded-proto'), 'https');
  t.match(await asked.wire.until('secret body'), 'secret body');
  asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nsecret answer');
  t.equal(await text(await answer.promise), 'secret answer');
  asked.release();

  await t.test('sixteen megabytes each way come whole through both layers', async (t2) => {
    const bytes = randomBytes(16 * 1024 * 1024);
    const echoed = Promise.withResolvers<IncomingMessage>();
    const echo = httpsRequest(
      {
        host: proxy.host,
        port: proxy.port,
        path: '/large',
        method: 'PUT',
        ca: certificate.cert,
        agent: false,
      },
      echoed.resolve,
    );
    echo.once('error', echoed.reject);
    echo.end(bytes);
    const large = await backend.take('/large');
    const up = await large.wire.take(bytes.length);
    t2.ok(up.equals(bytes), 'up');
    large.wire.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`);
    large.wire.write(up);
    t2.ok((await buffer(await echoed.promise)).equals(bytes), 'down');
    large.release();
  });

  await t.test('plain HTTP on that port is no way in', async (t2) => {
    const client = await dial(t2, proxy);
    client.write('GET /plain HTTP/1.1\r\nHost: tls.test\r\n\r\n');
    await client.left();
    t2.notMatch(client.unread.toString('latin1'), 'HTTP/1.1 200');
  });

  await t.test('an agent that does not know the authority trusts nobody', async (t2) => {
    const stranger = startAgent(t2, { proxy, token, backend: backend.address });
    const line = await stranger.line((each) => JSON.stringify(each).includes('SIGNED_CERT'));
    t2.ok(line, 'and says what is wrong with the certificate');
    t2.notOk(stranger.lines.some((each) => each['msg'] === 'link up'));
  });
});

test('an https backend with its own authority', productOnly, async (t) => {
  const backend = await Recorder.listen(t, { tls: certificate });
  const tunnel = await startTunnel(t, {
    backend: `https://127.0.0.1:${backend.address}`,
    agentEnv: { BACKEND_CA_FILE: certFile },
  });
  const client = await dial(t, tunnel);
  for (const path of ['/first', '/second']) {
    client.write(`GET ${path} HTTP/1.1\r\nHost: tls.test\r\n\r\n`);
    const asked = await backend.take(path);
    asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsealed');
    t.equal((await readResponse(client)).body.toString(), 'sealed');
    asked.release();
  }
  t.equal(backend.connections, 1, 'a TLS connection is kept for the next request');
});

test('an https backend that nobody vouches for is a 502 backend_tls', productOnly, async (t) => {
  const backend = await Recorder.listen(t, { tls: certificate });
  const tunnel = await startTunnel(t, { backend: `https://127.0.0.1:${backend.address}` });
  const client = await dial(t, tunnel);
  client.write('GET / HTTP/1.1\r\nHost: tls.test\r\nAccept: application/json\r\n\r\n');
  const message = await readResponse(client);
  t.equal(message.status, 502);
  t.match(message.body.toString(), 'backend_tls');
  t.match(value(message, 'proxy-status'), /error=tls_/);
});

test('a backend on a unix socket', async (t) => {
  const unixPath = join(folder, 'backend.sock');
  const backend = await Recorder.listen(t, { unixPath });
  const tunnel = await startTunnel(t, { backend: `unix:${unixPath}` });
  const client = await dial(t, tunnel);
  client.write('GET /unix HTTP/1.1\r\nHost: unix.test\r\n\r\n');
  const asked = await backend.take('/unix');
  asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnear');
  t.equal((await readResponse(client)).body.toString(), 'near');
  asked.release();
});

function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

test('a renewed certificate is taken at SIGHUP, and a broken one is not', productOnly, async (t) => {
  const own = await mkdtemp(join(tmpdir(), 'e2e-renewed-'));
  t.teardown(() => rm(own, { recursive: true, force: true }));
  const [cert, key] = [join(own, 'cert.pem'), join(own, 'key.pem')];
  const write = (identity: { cert: string; key: string }) =>
    Promise.all([writeFile(cert, identity.cert), writeFile(key, identity.key)]);
  await write(certificate);
  const proxy = await startProxy(t, {
    secret: createSecret(),
    env: { TLS_CERT_FILE: cert, TLS_KEY_FILE: key },
  });
  const shown = async (): Promise<string> => {
    const socket = connect({ host: proxy.host, port: proxy.port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  t.equal(await shown(), fingerprintOf(certificate.cert));

  const renewed = createCertificate();
  await write(renewed);
  proxy.program.signal('SIGHUP');
  await proxy.program.line(says('certificate read again'));
  t.equal(await shown(), fingerprintOf(renewed.cert));

  await write({ cert: renewed.cert, key: certificate.key });
  proxy.program.signal('SIGHUP');
  const line = await proxy.program.line(says('the new certificate is no good: the old one goes on'));
  t.match(line, { file: cert, reason: /key values mismatch/ });
  t.equal(await shown(), fingerprintOf(renewed.cert), 'what was good goes on');
});
