/**
 * A backend that dies, cuts its answer short or is not there: the client is told so, or sees a broken transfer. An answer
 * that was cut never looks complete.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { connect, createServer } from 'node:net';
import { request as httpRequest } from 'node:http';
import { t as file, test, type Test } from 'tap';
import { ChunkedBody, chunk, readHead, readResponse, status, value } from './support/message.ts';
import { listen } from './support/listen.ts';
import { Program, says } from './support/program.ts';
import { Recorder } from './support/recorder.ts';
import { isDirect, productOnly, startTunnel, type Tunnel } from './support/tunnel.ts';
import { dial, type Wire } from './support/wire.ts';

const backend = await Recorder.listen(file);
const tunnel = await startTunnel(file, { backend: backend.address });

/** The two ways a backend's socket dies: the kernel sends a FIN or, with bytes unread, a RST. */
const deaths: readonly [string, (wire: Wire) => void][] = [
  ['a reset', (wire) => wire.reset()],
  ['an early end', (wire) => wire.socket.destroy()],
];

async function ask(t: Test, path: string, version = '1.1'): Promise<{ client: Wire; wire: Wire }> {
  const client = await dial(t, tunnel);
  client.write(`GET ${path} HTTP/${version}\r\nHost: broken.test\r\n\r\n`);
  const { wire } = await backend.take(path);
  return { client, wire };
}

async function isBroken(t: Test, client: Wire): Promise<void> {
  const leaving = await client.left(5000);
  // A relay passes an early end on as what it is; the product knows HTTP and makes it a reset.
  if (!isDirect) t.equal(leaving, 'reset', 'the client is reset, never ended cleanly');
}

for (const [death, die] of deaths) {
  test(`${death} of the backend in a sized body breaks the transfer`, async (t) => {
    const { client, wire } = await ask(t, `/sized/${death.replaceAll(' ', '-')}`);
    wire.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(400)}`);
    t.equal(status(await readHead(client)), 200);
    await client.take(400);
    die(wire);
    await isBroken(t, client);
    t.equal(client.unread.length, 0, 'nothing was padded');
  });

  test(`${death} of the backend in a chunked body breaks the transfer`, async (t) => {
    const { client, wire } = await ask(t, `/chunked/${death.replaceAll(' ', '-')}`);
    wire.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`);
    wire.write(chunk('y'.repeat(400)));
    t.equal(status(await readHead(client)), 200);
    await new ChunkedBody(client).take(400);
    die(wire);
    await isBroken(t, client);
    t.notMatch(client.unread.toString('latin1'), /0\r\n/, 'no last chunk was made up');
  });

  test(`${death} of the backend before its head is a 502`, productOnly, async (t) => {
    const { client, wire } = await ask(t, `/no-head/${death.replaceAll(' ', '-')}`);
    die(wire);
    // A GET without a body may be sent once more (RFC 9110 §9.2.2): then it dies once more.
    backend.take(`/no-head/${death.replaceAll(' ', '-')}`, 1000).then(
      (again) => die(again.wire),
      () => {},
    );
    const answer = await readResponse(client);
    t.equal(answer.status, 502);
    t.match(value(answer, 'proxy-status'), /;\s*error=/);
  });
}

test('a reset of the backend in the middle of its head is a 502, not half a head', productOnly, async (t) => {
  const client = await dial(t, tunnel);
  client.write('POST /half-head HTTP/1.1\r\nHost: broken.test\r\nContent-Length: 2\r\n\r\nhi');
  const { wire } = await backend.take('/half-head');
  wire.write('HTTP/1.1 200 OK\r\nContent-Len');
  wire.reset();
  t.equal((await readResponse(client)).status, 502);
});

for (const version of ['1.1', '1.0']) {
  test(`a reset of the backend in a close-delimited body breaks the transfer of an HTTP/${version} client`, async (t) => {
    const { client, wire } = await ask(t, `/close/${version}`, version);
    wire.write(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${'z'.repeat(400)}`);
    t.equal(status(await readHead(client)), 200);
    await client.until('zzz');
    wire.reset();
    t.equal(await client.left(5000), 'reset', 'only a reset can say that this was not the end');
    t.notMatch(client.unread.toString('latin1'), /\n0\r\n/);
  });
}

/** Downloads until the first bytes have come, calls `then`, and says how the transfer ended. */
async function downloadUntilBroken(target: Tunnel, path: string, then: () => void): Promise<string> {
  const over = Promise.withResolvers<string>();
  const onError = (error: NodeJS.ErrnoException): void => over.resolve(error.code ?? error.message);
  const request = httpRequest({ host: target.host, port: target.port, path, agent: false });
  request.on('error', onError);
  request.on('response', (response) => {
    response.once('data', then);
    response.on('error', onError);
    response.on('end', () => over.resolve('a clean end'));
    response.resume();
  });
  request.end();
  return over.promise;
}

for (const [framing, query] of [
  ['sized', ''],
  ['chunked', '&chunked'],
]) {
  test(`a backend process killed in the middle of a ${framing} download breaks the transfer`, async (t) => {
    const program = Program.start(t, 'test/e2e/support/bulk-backend.ts');
    const { port } = await program.line(says('listening'));
    const own = await startTunnel(t, { backend: Number(port) });
    const path = `/down/killed?bytes=${1024 ** 3}${query}`;
    t.equal(await downloadUntilBroken(own, path, () => program.signal('SIGKILL')), 'ECONNRESET');
  });
}

/** A port that nobody listens on: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('a backend that refuses the connection is a 502 that says so', productOnly, async (t) => {
  const own: Tunnel = await startTunnel(t, { backend: await closedPort() });
  const client = await dial(t, own);
  client.write('GET / HTTP/1.1\r\nHost: refused.test\r\nAccept: application/json\r\n\r\n');
  const answer = await readResponse(client);
  t.equal(answer.status, 502);
  t.match(value(answer, 'content-type'), /^application\/json\b/);
  t.match(answer.body.toString(), 'backend_refused');
  t.match(value(answer, 'proxy-status'), /;\s*error=connection_refused/, 'RFC 9209 §2.3.5');
  t.match(value(answer, 'proxy-status'), 'backend_refused');
  client.write('GET / HTTP/1.1\r\nHost: refused.test\r\nAccept: text/html\r\n\r\n');
  const page = await readResponse(client);
  t.equal(page.status, 502, 'the connection to the proxy lives on');
  t.match(value(page, 'content-type'), /^text\/html\b/);
});

test('a backend that accepts no connection in time is a 504', productOnly, async (t) => {
  // A stopped process with a full queue: the kernel drops every further SYN, as a host that is switched off does.
  const program = Program.start(t, 'test/e2e/support/bulk-backend.ts', { env: { BACKLOG: '1' } });
  const port = Number((await program.line(says('listening')))['port']);
  program.signal('SIGSTOP');
  const isTaken = async (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      t.teardown(() => socket.destroy());
      setTimeout(() => resolve(false), 300);
    });
  while (await isTaken());
  const own = await startTunnel(t, { backend: port, agentEnv: { CONNECT_TIMEOUT: '1s' } });
  const client = await dial(t, own);
  const startMs = performance.now();
  client.write('GET / HTTP/1.1\r\nHost: late.test\r\nAccept: application/json\r\n\r\n');
  const answer = await readResponse(client);
  t.equal(answer.status, 504);
  t.match(answer.body.toString(), 'backend_connect_timeout');
  t.match(value(answer, 'proxy-status'), /;\s*error=connection_timeout/, 'RFC 9209 §2.3.4');
  const tookMs = performance.now() - startMs;
  t.ok(
    tookMs > 900 && tookMs < 4000,
    `after ${tookMs.toFixed(0)} ms: the time-out, and at most one more try`,
  );
});

test('an answer that is no HTTP is a 502, and none of it reaches the client', productOnly, async (t) => {
  const client = await dial(t, tunnel);
  client.write('POST /nonsense HTTP/1.1\r\nHost: broken.test\r\nContent-Length: 0\r\n\r\n');
  const { wire } = await backend.take('/nonsense');
  wire.write('SSH-2.0-OpenSSH_9.6 secret-banner\r\n\r\n');
  const answer = await readResponse(client);
  t.equal(answer.status, 502);
  t.notMatch(answer.body.toString(), 'secret-banner');
  await wire.closed(2000);
});

test('bytes behind the end of an answer never reach a client', productOnly, async (t) => {
  const { client, wire } = await ask(t, '/more-than-promised');
  wire.write(
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
  );
  t.equal((await readResponse(client)).body.toString(), 'ok');
  await wire.closed(2000);
  client.write('GET /next HTTP/1.1\r\nHost: broken.test\r\n\r\n');
  const next = await backend.take('/next');
  next.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood');
  t.equal((await readResponse(client)).body.toString(), 'good');
  next.release();
});

test('a pooled connection that the backend closed is not what the next request fails on', async (t) => {
  for (let round = 1; round <= 5; round += 1) {
    const { client, wire } = await ask(t, `/pooled/${round}`);
    wire.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    t.equal((await readResponse(client)).body.toString(), 'ok');
    wire.end();
    wire.socket.destroy();
  }
});
