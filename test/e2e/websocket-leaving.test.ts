/**
 * WebSockets whose proxy or agent stops, or whose agent is lost: both ends hear a Close frame with 1012 and a reason, put
 * between two frames, and never a reset; only a frame that was cut in two cannot be ended otherwise.
 */
import { createServer } from 'node:http';
import { t as file, test, type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { patienceMs, within } from './support/deadline.ts';
import { listen } from './support/listen.ts';
import { readHead } from './support/message.ts';
import { Recorder } from './support/recorder.ts';
import { productOnly, startTunnel, type Tunnel } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const http = createServer();
const sockets = new WebSocketServer({ server: http });
const port = await listen(http);
file.teardown(() => {
  for (const socket of sockets.clients) socket.terminate();
  http.close();
});
sockets.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});

interface Closing {
  readonly code: number;
  readonly reason: string;
}

function closing(socket: WebSocket): Promise<Closing> {
  const closed = Promise.withResolvers<Closing>();
  socket.once('close', (code, reason) => closed.resolve({ code, reason: reason.toString() }));
  return within(patienceMs, () => 'the close of a WebSocket', closed.promise);
}

/** An open WebSocket that has said something and heard it back, and what its backend's end hears at last. */
async function open(
  t: Test,
  tunnel: Tunnel,
): Promise<{ client: Promise<Closing>; backend: Promise<Closing> }> {
  const atBackend = Promise.withResolvers<WebSocket>();
  sockets.once('connection', (socket) => atBackend.resolve(socket));
  const socket = new WebSocket(`ws://${tunnel.host}:${tunnel.port}/`);
  t.teardown(() => socket.terminate());
  const echoed = Promise.withResolvers<void>();
  socket.once('error', echoed.reject);
  socket.once('open', () => socket.send('hello'));
  socket.once('message', () => echoed.resolve());
  await within(patienceMs, () => 'an echo', echoed.promise);
  return { client: closing(socket), backend: closing(await atBackend.promise) };
}

for (const who of ['proxy', 'agent'] as const) {
  test(
    `the ${who} stops: 1012 for both ends, and it ends long before its DRAIN_TIMEOUT`,
    productOnly,
    async (t) => {
      const tunnel = await startTunnel(t, { backend: port });
      const { client, backend } = await open(t, tunnel);
      const program = tunnel[who];
      const startMs = performance.now();
      program?.signal('SIGTERM');
      const heard = await client;
      t.equal(heard.code, 1012);
      t.match(heard.reason, /restarts$/);
      t.match(await backend, { code: 1012, reason: heard.reason }, 'the client answers it, and that passes');
      t.same(await program?.end(5000), { code: 0, signal: null });
      t.comment(`${who} ended after ${(performance.now() - startMs).toFixed(0)} ms`);
    },
  );
}

test('an agent that is killed leaves its clients a word', productOnly, async (t) => {
  const tunnel = await startTunnel(t, { backend: port });
  const { client } = await open(t, tunnel);
  await tunnel.agent?.kill();
  t.equal((await client).code, 1012);
});

const upgrade =
  'GET /raw HTTP/1.1\r\nHost: leaving.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

test('a stopping proxy waits for the end of the frame that is under way', productOnly, async (t) => {
  const recorder = await Recorder.listen(t);
  const tunnel = await startTunnel(t, { backend: recorder.address });
  const client = await dial(t, tunnel);
  client.write(upgrade);
  const { wire } = await recorder.take('/raw');
  wire.write(`${switching}\x82\x0ahalf `);
  await readHead(client);
  await client.until('\x82\x0ahalf ');
  tunnel.proxy?.signal('SIGTERM');
  await tunnel.proxy?.line((line) => line['msg'] === 'stopping');
  wire.write('a fra\x81\x01never');
  t.equal((await client.take(5)).toString('latin1'), 'a fra', 'the frame is whole');
  const close = await client.take(4);
  t.equal(close.toString('hex').slice(0, 2), '88', 'then a Close frame');
  t.equal(close.readUInt16BE(2), 1012);
  await client.take((close[1] ?? 0) - 2);
  wire.end();
  t.equal(await client.left(), 'fin');
  t.equal(client.unread.length, 0, 'and nothing behind it');
});

test('a frame cut in two by a lost agent is a reset, never a clean end', productOnly, async (t) => {
  const recorder = await Recorder.listen(t);
  const tunnel = await startTunnel(t, { backend: recorder.address });
  const client = await dial(t, tunnel);
  client.write(upgrade);
  const { wire } = await recorder.take('/raw');
  wire.write(`${switching}\x82\x0ahalf `);
  await readHead(client);
  await client.until('\x82\x0ahalf ');
  await tunnel.agent?.kill();
  t.equal(await client.left(), 'reset');
});

test('another protocol than WebSocket runs until its own end', productOnly, async (t) => {
  const recorder = await Recorder.listen(t);
  const tunnel = await startTunnel(t, { backend: recorder.address });
  const client = await dial(t, tunnel);
  client.write('GET /raw HTTP/1.1\r\nHost: leaving.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  const { wire } = await recorder.take('/raw');
  wire.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  await readHead(client);
  tunnel.proxy?.signal('SIGTERM');
  await tunnel.proxy?.line((line) => line['msg'] === 'stopping');
  client.write('ping');
  t.equal(await wire.until('ping'), 'ping');
  wire.write('pong');
  t.equal(await client.until('pong'), 'pong');
  wire.end();
  client.end();
  t.equal(await client.left(), 'fin');
  t.same(await tunnel.proxy?.end(2000), { code: 0, signal: null });
});
