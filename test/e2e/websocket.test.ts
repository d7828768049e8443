/**
 * WebSockets through the tunnel (RFC 6455): many at once, large messages, close codes, and the raw bytes around the
 * handshake. The tunnel carries frames it does not read, so whatever the two ends agree on must work.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { t as file, test, type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { patienceMs, within } from './support/deadline.ts';
import { listen } from './support/listen.ts';
import { readHead, readResponse, status, value } from './support/message.ts';
import { Recorder } from './support/recorder.ts';
import { startTunnel } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const maxPayload = 32 * 1024 * 1024;
const http = createServer();
const sockets = new WebSocketServer({ server: http, maxPayload, perMessageDeflate: { threshold: 0 } });
const port = await listen(http);
file.teardown(() => {
  for (const socket of sockets.clients) socket.terminate();
  http.close();
});
sockets.on('connection', (socket, request) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://backend');
  if (pathname === '/close') socket.close(Number(searchParams.get('code')), searchParams.get('reason') ?? '');
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});

const tunnel = await startTunnel(file, { backend: port });
const recorder = await Recorder.listen(file);
const rawTunnel = await startTunnel(file, { backend: recorder.address });

async function open(t: Test, path: string, options: { deflate?: boolean } = {}): Promise<WebSocket> {
  const url = `ws://${tunnel.host}:${tunnel.port}${path}`;
  const socket = new WebSocket(url, { perMessageDeflate: options.deflate ?? false, maxPayload });
  t.teardown(() => socket.terminate());
  const up = Promise.withResolvers<void>();
  socket.once('open', up.resolve);
  socket.once('error', up.reject);
  await within(patienceMs, () => `a WebSocket at ${path}`, up.promise);
  return socket;
}

/** The next message; the listener stands before anything is sent that could answer. */
function nextMessage(socket: WebSocket): Promise<{ data: Buffer; isBinary: boolean }> {
  const coming = Promise.withResolvers<{ data: Buffer; isBinary: boolean }>();
  socket.once('message', (data, isBinary) => {
    if (Buffer.isBuffer(data)) coming.resolve({ data, isBinary });
    else coming.reject(new Error('ws gives one Buffer a message'));
  });
  return within(patienceMs, () => 'a message', coming.promise);
}

async function echo(socket: WebSocket, message: string | Buffer): Promise<boolean> {
  const coming = nextMessage(socket);
  socket.send(message);
  const { data, isBinary } = await coming;
  return isBinary === Buffer.isBuffer(message) && data.equals(Buffer.from(message));
}

function closing(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  socket.once('close', (code, reason) => closed.resolve({ code, reason: reason.toString() }));
  return within(patienceMs, () => 'the close of a WebSocket', closed.promise);
}

test('a hundred WebSockets echo text and binary a hundred times each', async (t) => {
  const open100 = await Promise.all(Array.from({ length: 100 }, (_, index) => open(t, `/many/${index}`)));
  const rightEchoes = await Promise.all(
    open100.map(async (socket, index) => {
      let right = 0;
      for (let round = 0; round < 100; round += 1) {
        const mark = `socket ${index} round ${round} äöü`;
        if (await echo(socket, mark)) right += 1;
        if (await echo(socket, Buffer.concat([Buffer.from(mark), Buffer.of(0, 255, round)]))) right += 1;
      }
      return right;
    }),
  );
  t.same(new Set(rightEchoes), new Set([200]), 'every message came back as it was, to the one who sent it');
  const closed = open100.map((socket) => closing(socket));
  for (const socket of open100) socket.close(1000);
  t.ok((await Promise.all(closed)).every(({ code }) => code === 1000));
});

test('messages of 16 MiB go both ways, text and binary', async (t) => {
  const socket = await open(t, '/large');
  const bytes = randomBytes(16 * 1024 * 1024);
  t.ok(await echo(socket, bytes), 'binary');
  t.ok(await echo(socket, bytes.toString('hex').slice(0, bytes.length)), 'text');
});

test('close codes and reasons arrive in both directions', async (t) => {
  const byBackend = await open(t, `/close?code=4001&reason=${encodeURIComponent('enough für today')}`);
  t.same(await closing(byBackend), { code: 4001, reason: 'enough für today' });

  const seen = Promise.withResolvers<{ code: number; reason: string }>();
  sockets.once('connection', (socket) =>
    socket.once('close', (code, reason) => seen.resolve({ code, reason: reason.toString() })),
  );
  const byClient = await open(t, '/goodbye');
  byClient.close(3999, 'the client had enough');
  t.same(await within(patienceMs, () => 'the close at the backend', seen.promise), {
    code: 3999,
    reason: 'the client had enough',
  });
});

test('a client that is gone without a close frame is an abnormal closure at the backend, and the reverse', async (t) => {
  const seen = Promise.withResolvers<number>();
  sockets.once('connection', (socket) => socket.once('close', (code) => seen.resolve(code)));
  const byClient = await open(t, '/gone');
  byClient.terminate();
  t.equal(await within(1000, () => 'the closure at the backend', seen.promise), 1006);

  sockets.once('connection', (socket) => socket.once('message', () => socket.terminate()));
  const byBackend = await open(t, '/terminate');
  const closed = closing(byBackend);
  byBackend.send('now');
  t.equal((await closed).code, 1006);
});

test('permessage-deflate is agreed on by the two ends', async (t) => {
  const atBackend = Promise.withResolvers<WebSocket>();
  sockets.once('connection', (socket) => atBackend.resolve(socket));
  const socket = await open(t, '/deflate', { deflate: true });
  t.equal(socket.extensions, 'permessage-deflate');
  t.equal((await atBackend.promise).extensions, 'permessage-deflate');
  t.ok(await echo(socket, 'the same words again. '.repeat(10_000)), 'compressed messages come back');
  t.ok(await echo(socket, randomBytes(100_000)));
});

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
const offer = 'permessage-deflate; client_max_window_bits; server_no_context_takeover, x-odd;Q="a b"';
const handshake = (path: string): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: raw.test',
    'Connection: keep-alive, Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Extensions: ${offer}`,
    'Sec-WebSocket-Protocol: chat, superchat',
    '\r\n',
  ].join('\r\n');
const switching = [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Accept: ${accept}`,
  'Sec-WebSocket-Extensions: x-odd; Q="c d"',
  'Sec-WebSocket-Protocol: superchat',
  '\r\n',
].join('\r\n');

test('the handshake goes through untouched, and so do bytes right behind either side of it', async (t) => {
  const client = await dial(t, rawTunnel);
  // RFC 6455 §4.1 lets no client send before the 101; one that does so all the same loses nothing.
  client.write(`${handshake('/raw')}early from the client`);
  const { wire, ...request } = await recorder.take('/raw');
  t.equal(value(request, 'upgrade'), 'websocket');
  t.match(value(request, 'connection'), /\bupgrade\b/i);
  t.equal(value(request, 'sec-websocket-key'), key);
  t.equal(value(request, 'sec-websocket-extensions'), offer);
  t.equal(value(request, 'sec-websocket-protocol'), 'chat, superchat');
  wire.write(`${switching}early from the backend`);
  const answer = await readHead(client);
  t.equal(status(answer), 101);
  t.equal(value(answer, 'upgrade'), 'websocket');
  t.match(value(answer, 'connection'), /\bupgrade\b/i);
  t.equal(value(answer, 'sec-websocket-accept'), accept);
  t.equal(value(answer, 'sec-websocket-extensions'), 'x-odd; Q="c d"');
  t.equal(value(answer, 'sec-websocket-protocol'), 'superchat');
  t.equal(await client.until('backend'), 'early from the backend');
  t.equal(await wire.until('client'), 'early from the client');
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  client.write(bytes);
  t.same(await wire.take(256), bytes, 'every byte value goes up');
  wire.write(bytes);
  t.same(await client.take(256), bytes, 'every byte value comes down');
  client.end();
  t.equal(await wire.left(), 'fin', 'a half-close of the client is a half-close at the backend');
  wire.write('last words');
  wire.end();
  t.equal(await client.until('words'), 'last words', 'and the other direction lives on until it ends too');
  t.equal(await client.left(), 'fin');
});

test('a refused upgrade comes through with its body, and the connection lives on', async (t) => {
  const client = await dial(t, rawTunnel);
  client.write(handshake('/refused'));
  const refused = await recorder.take('/refused');
  refused.wire.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\nX-Why: policy\r\n\r\nnot here');
  const answer = await readResponse(client);
  t.equal(answer.status, 403);
  t.equal(answer.body.toString(), 'not here');
  t.equal(value(answer, 'x-why'), 'policy');
  refused.release();
  client.write('GET /afterwards HTTP/1.1\r\nHost: raw.test\r\n\r\n');
  const next = await recorder.take('/afterwards');
  next.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  t.equal((await readResponse(client)).body.toString(), 'ok');
  next.release();
});

test('a request held behind a refused upgrade is the next request', async (t) => {
  const client = await dial(t, rawTunnel);
  client.write(`${handshake('/refused-too')}GET /held HTTP/1.1\r\nHost: raw.test\r\n\r\n`);
  const refused = await recorder.take('/refused-too');
  refused.wire.write(
    'HTTP/1.1 426 Upgrade Required\r\nUpgrade: other\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n',
  );
  const answer = await readResponse(client);
  t.equal(answer.status, 426);
  t.equal(value(answer, 'upgrade'), 'other', 'a 426 keeps its Upgrade field');
  refused.release();
  const held = await recorder.take('/held');
  held.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld');
  t.equal((await readResponse(client)).body.toString(), 'held');
  held.release();
});

test('an upgrade to something other than WebSocket is carried as well', async (t) => {
  const client = await dial(t, rawTunnel);
  client.write('GET /other HTTP/1.1\r\nHost: raw.test\r\nConnection: upgrade\r\nUpgrade: echo/2\r\n\r\n');
  const { wire, ...request } = await recorder.take('/other');
  t.equal(value(request, 'upgrade'), 'echo/2');
  wire.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo/2\r\n\r\n');
  t.equal(status(await readHead(client)), 101);
  client.write('ping');
  t.equal((await wire.take(4)).toString(), 'ping');
  wire.reset();
  t.equal(await client.left(), 'reset', 'a reset of the backend is a reset at the client');
});
