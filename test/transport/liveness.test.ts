/** When a link lives, when it asks, and when it gives up: time is moved by hand, bytes travel over real sockets. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type Test, test } from 'tap';
import { acceptWebSocket } from '../../shared/transport/websocket/accept.ts';
import { listen } from '../e2e/support/listen.ts';
import { HandClock } from './hand-clock.ts';
import { linkPair, LinkSide, subprotocol } from './links.ts';
import { turns, until } from './until.ts';

const mask = Buffer.from('00000000', 'hex');

/** A yamux frame header in a masked binary WebSocket message. */
function message(hex: string): Buffer {
  const payload = Buffer.from(hex, 'hex');
  return Buffer.concat([Buffer.of(0x82, 0x80 | payload.length), mask, payload]);
}

/** A link of the proxy's on one end of a plain TCP connection; the test writes the other end byte by byte. */
async function proxySide(t: Test, clock: HandClock): Promise<{ side: LinkSide; wire: Socket }> {
  const server = createServer();
  const port = await listen(server);
  const accepted = Promise.withResolvers<Socket>();
  server.once('connection', accepted.resolve);
  const wire = connect(port, '127.0.0.1');
  const socket = await accepted.promise;
  t.teardown(() => {
    wire.destroy();
    socket.destroy();
    server.close();
  });
  const headers = {
    connection: 'upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-version': '13',
    'sec-websocket-protocol': subprotocol,
  };
  const ends = acceptWebSocket({ method: 'GET', url: '/', headers }, subprotocol, socket, new Uint8Array(0));
  if (ends === undefined) throw new Error('not accepted');
  return { side: new LinkSide(ends, 'server', { clock }), wire };
}

/** Resolves when the other end of `wire` has read what was written there. */
async function isRead(side: LinkSide, bytes: number): Promise<void> {
  await until(`${bytes} bytes are read`, () => side.ends.socket.bytesRead >= bytes);
  await turns();
}

test('a ping keeps an idle link: it goes after 10 s of silence, and its answer is life', async (t) => {
  const clock = new HandClock();
  const { agent, proxy } = await linkPair(t, {
    agent: { clock },
    proxy: { pingAfterMs: 1_000_000, deadAfterMs: 2_000_000 },
  });
  for (let silence = 0; silence < 5; silence++) {
    const { bytesRead, bytesWritten } = agent.ends.socket;
    clock.advance(9_999);
    // oxlint-disable no-await-in-loop -- one silence after the other
    await turns();
    t.equal(agent.ends.socket.bytesWritten, bytesWritten, 'nothing is said');
    clock.advance(1);
    await until('the answer is here', () => agent.ends.socket.bytesRead > bytesRead);
    await turns();
    // oxlint-enable no-await-in-loop
  }
  t.ok(agent.link.isOpen);
  t.ok(agent.link.session.rttMs !== undefined);
  t.same([...agent.events, ...proxy.events], []);
});

test('silence ends it with 4000: streams are reset first, and the socket is gone', async (t) => {
  const clock = new HandClock();
  const { side, wire } = await proxySide(t, clock);
  side.open();
  await once(wire, 'data');
  clock.advance(19_999);
  await turns();
  t.ok(side.link.isOpen);
  clock.advance(1);
  const end = await side.ended.promise;
  t.match(end, { code: 4000, violation: undefined });
  t.same(side.user.events, ['reset 2 cancelled']);
  t.same(side.events, ['end 4000 nothing was heard for too long'], 'once');
  t.ok(side.ends.socket.destroyed);
  await once(wire.resume(), 'close');
  t.equal(clock.waitingCount, 0, 'no timer is left');
  t.same(side.events.length, 1, 'nor is anything told twice');
});

test('any byte is life: half a message, a control message, a ping of the WebSocket', async (t) => {
  const clock = new HandClock();
  const { side, wire } = await proxySide(t, clock);
  let sent = 0;
  const say = async (bytes: Buffer): Promise<void> => {
    wire.write(bytes);
    sent += bytes.length;
    await isRead(side, sent);
  };
  const [first, ...rest] = message('000200010000000000000007').toString('hex').match(/../g) ?? [];
  await say(Buffer.from(first ?? '', 'hex'));
  for (const byte of rest) {
    clock.advance(15_000);
    // oxlint-disable-next-line no-await-in-loop -- one byte in fifteen seconds
    await say(Buffer.from(byte, 'hex'));
  }
  t.ok(side.link.isOpen, 'a message that takes four minutes to come');
  clock.advance(15_000);
  await say(Buffer.concat([Buffer.of(0x81, 0x82), mask, Buffer.from('{}')]));
  clock.advance(15_000);
  await say(Buffer.concat([Buffer.of(0x89, 0x80), mask]));
  clock.advance(15_000);
  await turns();
  t.ok(side.link.isOpen);
  t.same(side.events, ['control {}']);
});

test('what came while the program was held up is heard before the verdict', async (t) => {
  const { agent, proxy } = await linkPair(t, {
    agent: { pingAfterMs: 1_000_000, deadAfterMs: 200 },
    proxy: { pingAfterMs: 1_000_000, deadAfterMs: 2_000_000 },
  });
  // The kernel has it before the loop is held up for longer than the peer may be silent.
  proxy.link.sendControl('still here');
  const heldUntilMs = performance.now() + 400;
  while (performance.now() < heldUntilMs);
  await agent.event('control still here');
  await turns();
  t.ok(agent.link.isOpen);
  t.same(agent.events, ['control still here']);
  agent.link.terminate();
});

test('a link that ended leaves no timer, however it ended', async (t) => {
  for (const end of ['close', 'terminate', 'peer closes', 'peer is gone'] as const) {
    const clock = new HandClock();
    // oxlint-disable no-await-in-loop -- one link after the other
    const { agent, proxy } = await linkPair(t, { agent: { clock } });
    agent.open().write(Buffer.from('hello'));
    await proxy.stream();
    if (end === 'close') agent.link.close(1000, 'done');
    else if (end === 'terminate') agent.link.terminate();
    else if (end === 'peer closes') proxy.link.close(1001, 'away');
    else proxy.ends.socket.destroy();
    await agent.ended.promise;
    // oxlint-enable no-await-in-loop
    t.equal(clock.waitingCount, 0, end);
    t.same(agent.user.events, ['reset 1 cancelled'], end);
    t.equal(agent.link.session.streamCount, 0);
  }
});
