/** Our WebSocket with `ws` at its other end, which knows nothing of ours: either may dial, speak, close, fall silent. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test, type Test } from 'tap';
import { WebSocket as Peer, WebSocketServer } from 'ws';
import { dialWebSocket } from '../../../shared/transport/websocket/dial.ts';
import { MessageSlab } from '../../../shared/transport/websocket/message-slab.ts';
import type { LinkSocket } from '../../../shared/transport/websocket/link-socket.ts';
import { listen } from '../../e2e/support/listen.ts';
import { peerPair, subprotocol } from '../links.ts';
import { until } from '../until.ts';

interface Heard {
  readonly events: string[];
  readonly binary: Buffer[];
  readonly closed: Promise<void>;
}

function listenTo({ webSocket }: LinkSocket): Heard {
  const events: string[] = [];
  const binary: Buffer[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  webSocket.listen({
    onRead: () => undefined,
    onBinary: (bytes) => void binary.push(Buffer.from(bytes)),
    onText: (text) => void events.push(`text ${text}`),
    onClose: (code, reason) => {
      events.push(`close ${code} ${reason}`);
      resolve();
    },
  });
  return { events, binary, closed };
}

/** Ours dials, `ws` is the server. */
async function dialled(t: Test): Promise<{ ours: LinkSocket; peer: Peer }> {
  const server = createServer();
  const webSockets = new WebSocketServer({ server, handleProtocols: () => subprotocol });
  const connected = new Promise<Peer>((resolve) => webSockets.once('connection', resolve));
  const port = await listen(server);
  const [token, userAgent, signal] = ['token', 'test', AbortSignal.timeout(5_000)];
  const ours = await dialWebSocket({ url: `ws://127.0.0.1:${port}/`, subprotocol, token, userAgent, signal });
  const peer = await connected;
  peer.pause();
  t.teardown(() => {
    peer.terminate();
    ours.socket.destroy();
    webSockets.close();
    server.close();
    server.closeAllConnections();
  });
  return { ours, peer };
}

async function accepted(t: Test): Promise<{ ours: LinkSocket; peer: Peer }> {
  const { peer, proxy } = await peerPair(t);
  return { ours: proxy, peer };
}

for (const [who, pair] of [
  ['accepted', accepted],
  ['dialled', dialled],
] as const) {
  test(`${who}: text, binary in any size, pings, each way`, async (t) => {
    const { ours, peer } = await pair(t);
    const heard = listenTo(ours);
    const told: Buffer[] = [];
    peer.on('message', (data: Buffer) => told.push(data));
    peer.resume();
    const payload = randomBytes(500_000);
    for (const text of ['', 'ünïcödé 🚇', 'x'.repeat(70_000)]) {
      peer.send(text);
      ours.webSocket.sendText(text);
    }
    peer.send(payload);
    peer.send(payload.subarray(0, 1_000), { fin: false });
    peer.send(payload.subarray(1_000, 2_000), { fin: true });
    const slab = new MessageSlab(ours.webSocket.masking);
    slab.room(5).set(Buffer.from('hello'));
    ours.socket.write(slab.seal(5));
    const pong = once(peer, 'pong');
    peer.ping('are you there');
    t.equal(String((await pong)[0]), 'are you there');
    await until('all has come', () => Buffer.concat(heard.binary).length === 502_000 && told.length === 4);
    t.same(heard.events, ['text ', 'text ünïcödé 🚇', `text ${'x'.repeat(70_000)}`]);
    t.ok(Buffer.concat(heard.binary).equals(Buffer.concat([payload, payload.subarray(0, 2_000)])));
    t.same(told.map(String), ['', 'ünïcödé 🚇', 'x'.repeat(70_000), 'hello']);
  });

  test(`${who}: ours closes, with code and reason, and nothing is said behind it`, async (t) => {
    const { ours, peer } = await pair(t);
    const heard = listenTo(ours);
    const closed = once(peer, 'close');
    peer.resume();
    ours.webSocket.close(1012, 'the proxy stops');
    ours.webSocket.sendText('never');
    ours.webSocket.close(1000, 'again');
    t.notOk(ours.webSocket.isOpen);
    const [code, reason] = await closed;
    t.same([code, String(reason)], [1012, 'the proxy stops']);
    await heard.closed;
    t.same(heard.events, ['close 1012 the proxy stops'], 'the peer has said it back');
  });

  test(`${who}: the peer closes`, async (t) => {
    const { ours, peer } = await pair(t);
    const heard = listenTo(ours);
    const closed = once(peer, 'close');
    peer.resume();
    peer.close(4001, 'enough');
    t.equal((await closed)[0], 4001, 'our answer is its own code');
    await heard.closed;
    t.same(heard.events, ['close 4001 enough']);
  });

  test(`${who}: a connection that ends without a Close is 1006, however it ends`, async (t) => {
    for (const how of ['reset', 'end', 'ours'] as const) {
      // oxlint-disable no-await-in-loop -- one after the other
      const { ours, peer } = await pair(t);
      const heard = listenTo(ours);
      peer.resume();
      if (how === 'ours') ours.webSocket.terminate();
      else if (how === 'reset') peer.terminate();
      else Reflect.get(peer, '_socket').end();
      await heard.closed;
      t.same(heard.events, ['close 1006 '], how);
      await until('the socket is gone', () => ours.socket.destroyed);
      // oxlint-enable no-await-in-loop
    }
  });

  test(`${who}: a peer that never answers our Close is waited for 2 s`, async (t) => {
    const { ours } = await pair(t);
    const heard = listenTo(ours);
    const startMs = performance.now();
    ours.webSocket.close(1000, 'done');
    await heard.closed;
    const tookMs = performance.now() - startMs;
    t.ok(tookMs > 1_900, `${tookMs} ms`);
    t.ok(ours.socket.destroyed);
    t.same(heard.events, ['close 1006 ']);
  });

  test(`${who}: a broken frame is told and ends it, and no more is read`, async (t) => {
    const { ours, peer } = await pair(t);
    const heard = listenTo(ours);
    peer.resume();
    const closed = once(peer, 'close');
    Reflect.get(peer, '_socket').write(Buffer.from('ffff8205', 'hex'));
    peer.send('never');
    await heard.closed;
    t.same(heard.events, ['close 1002 ']);
    t.same([(await closed)[0], String((await closed)[1])], [1002, 'reserved_bits']);
  });
}

test('what came before anybody listens is told, and an end before it too', async (t) => {
  const { ours, peer } = await accepted(t);
  peer.resume();
  peer.send('early');
  peer.close(1000, 'bye');
  await until('it is here', () => ours.socket.readableLength > 0 || ours.socket.bytesRead > 200);
  const heard = listenTo(ours);
  await heard.closed;
  t.same(heard.events, ['text early', 'close 1000 bye']);

  const lost = await accepted(t);
  lost.ours.socket.destroy();
  await once(lost.ours.socket, 'close');
  const late = listenTo(lost.ours);
  await late.closed;
  t.same(late.events, ['close 1006 ']);
});

test('a peer that pings and reads nothing gets no pong a ping: memory does not grow with its pings', async (t) => {
  const { ours, peer } = await accepted(t);
  listenTo(ours);
  const payload = Buffer.alloc(125);
  let mostUnsent = 0;
  for (let round = 0; round < 200; round += 1) {
    for (let i = 0; i < 1_000; i += 1) peer.ping(payload);
    // oxlint-disable-next-line no-await-in-loop -- until the kernel is full, and for long after it
    await new Promise((resolve) => setImmediate(resolve));
    mostUnsent = Math.max(mostUnsent, ours.socket.writableLength);
  }
  await until('all pings are read', () => ours.socket.bytesRead > 200_000 * 131);
  t.ok(mostUnsent < 64 * 1024, `${mostUnsent} bytes wait`);
  let pongs = 0;
  peer.on('pong', () => (pongs += 1));
  const last = Buffer.from('the last');
  peer.ping(last);
  peer.resume();
  await until('the last is answered', () => pongs > 0 && ours.socket.writableLength === 0);
  const answered = once(peer, 'pong');
  peer.ping('and this');
  t.ok(await answered);
});
