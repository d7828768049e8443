/** One link over a real WebSocket: what its ends tell each other, how it closes, and what a peer may not do to it. */
import { once } from 'node:events';
import { test } from 'tap';
import { fill, fillSocket } from './bulk.ts';
import { linkPair, peerPair, socketPair, LinkSide } from './links.ts';
import { turns, until } from './until.ts';

const hello = Buffer.from('hello');

for (const tls of [false, true]) {
  const scheme = tls ? 'wss' : 'ws';

  test(`${scheme}: streams go both ways, each end opens its own`, async (t) => {
    const { agent, proxy } = await linkPair(t, { tls });
    for (const side of [agent, proxy]) side.user.quiet = false;
    const down = proxy.open();
    down.write(hello);
    down.end();
    const up = agent.open();
    up.write(hello);
    const atAgent = await agent.stream();
    const atProxy = await proxy.stream();
    atAgent.write(Buffer.from('good day'));
    atAgent.end();
    atProxy.reset(7);
    const sessions = [agent.link.session, proxy.link.session];
    await until('both have heard all', () => sessions.every(({ streamCount }) => streamCount === 0));
    const hex = hello.toString('hex');
    t.same(agent.user.events, ['stream 2', `data 2 ${hex}`, 'end 2', 'reset 1 overloaded']);
    t.same(proxy.user.events, [
      'stream 1',
      `data 1 ${hex}`,
      `data 2 ${Buffer.from('good day').toString('hex')}`,
      'end 2',
    ]);
  });

  test(`${scheme}: control messages pass unread, whatever they say, in order with each other`, async (t) => {
    const { agent, proxy } = await linkPair(t, { tls });
    for (const text of ['{"kind":"hello"}', '', 'ünïcödé 🚇', 'x'.repeat(100_000)]) {
      agent.link.sendControl(text);
      proxy.link.sendControl(text);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await Promise.all([agent.event(`control ${text}`), proxy.event(`control ${text}`)]);
    }
    t.equal(agent.events.length + proxy.events.length, 8);
  });

  test(`${scheme}: code and reason of a close reach the other side, from either`, async (t) => {
    for (const [from, to] of [
      ['agent', 'proxy'],
      ['proxy', 'agent'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one link after the other
      const pair = await linkPair(t, { tls });
      pair[from].link.close(1001, 'the program stops');
      t.notOk(pair[from].link.isOpen, 'from now on');
      // oxlint-disable-next-line no-await-in-loop
      const [end, told] = await Promise.all([pair[from].ended.promise, pair[to].ended.promise]);
      t.match(end, { code: 1001, violation: undefined });
      t.same(told, { code: 1001, reason: 'the program stops', violation: undefined });
    }
  });
}

test('GoAway is heard by the other side alone, and what is open goes on', async (t) => {
  const { agent, proxy } = await linkPair(t);
  const stream = proxy.open();
  await agent.stream();
  agent.link.goAway();
  await proxy.event('goaway 0');
  t.equal(proxy.link.open(proxy.user), undefined);
  t.ok(proxy.link.isOpen);
  stream.write(hello);
  await until('it has come', () => agent.user.received.get(2) === hello.length);
  t.same(agent.events, []);
});

test('what is said while the link closes is said to nobody: no stream opens, open ones are reset at once', async (t) => {
  const { agent, proxy } = await linkPair(t);
  proxy.open();
  await agent.stream();
  const unsaid = proxy.open();
  unsaid.write(hello);
  proxy.link.close(1000, '');
  t.same(proxy.user.events, ['reset 2 cancelled', 'reset 4 cancelled'], 'both had left when it closed');
  t.equal(proxy.link.open(proxy.user), undefined);
  proxy.link.sendControl('too late');
  proxy.link.close(1011, 'again');
  t.match(await agent.ended.promise, { code: 1000 });
  await proxy.ended.promise;
  t.same(agent.user.events, ['stream 2', 'stream 4', 'reset 2 cancelled', 'reset 4 cancelled']);
  t.same(proxy.events, ['end 1000 '], 'once');
});

test('as soon as the peer says close, no stream opens here', async (t) => {
  const { agent, proxy } = await linkPair(t);
  // The answer to its close cannot leave: the link is between open and gone for as long as we look.
  agent.ends.socket.cork();
  proxy.link.close(1001, 'away');
  await until('its close frame is here', () => !agent.link.isOpen);
  t.same(agent.events, [], 'the socket is still there');
  t.equal(agent.link.open(agent.user), undefined);
  agent.ends.socket.uncork();
  t.match(await agent.ended.promise, { code: 1001, reason: 'away' });
});

test('a lost socket: streams that never left hear that they are safe to try elsewhere', async (t) => {
  const { agent, proxy } = await linkPair(t);
  agent.open().write(hello);
  await proxy.stream();
  const late = agent.open();
  late.write(hello);
  agent.link.terminate();
  t.equal(agent.link.open(agent.user), undefined);
  t.match(await agent.ended.promise, { code: 1006 });
  t.same(agent.user.events, ['reset 1 cancelled', 'reset 3 refused']);
  t.match(await proxy.ended.promise, { code: 1006 });
  t.same(proxy.user.events, ['stream 1', 'reset 1 cancelled']);
});

test('a violation: GoAway is told, then close 1002 with its name; the end carries it', async (t) => {
  const { peer, proxy } = await peerPair(t);
  const side = new LinkSide(proxy, 'server', {});
  const heard: string[] = [];
  peer.on('message', (data: Buffer) => heard.push(data.toString('hex')));
  peer.resume();
  peer.send(Buffer.from('000000010000000300000005', 'hex'));
  peer.send(hello);
  await side.stream();
  peer.send(Buffer.from('090000000000000000000000', 'hex'));
  peer.send(Buffer.from('000000000000000300000000', 'hex'));
  const [code, reason] = await once(peer, 'close');
  t.same([code, String(reason)], [1002, 'bad_version']);
  t.equal(heard.at(-1), '000300000000000000000001', 'GoAway, protocol error');
  t.match(await side.ended.promise, { code: 1002, violation: { code: 'bad_version' } });
  t.same(side.user.events, ['stream 3', 'reset 3 cancelled']);
  t.equal(side.events.length, 1);
});

test('a violation is told to a peer that has not read for long, too', async (t) => {
  const { peer, proxy } = await peerPair(t);
  const side = new LinkSide(proxy, 'server', {});
  await fillSocket(side.link);
  const unsent = side.link.unsentBytes;
  peer.send(Buffer.from('000400000000000000000000', 'hex'));
  await until('it is heard', () => !side.link.isOpen);
  t.ok(side.link.unsentBytes > unsent);
  let last: Buffer = Buffer.alloc(0);
  peer.on('message', (data: Buffer) => (last = data));
  peer.resume();
  const [code] = await once(peer, 'close');
  t.equal(code, 1002);
  t.equal(last.subarray(0, 12).toString('hex'), '000300000000000000000001');
});

test('a message may be 1 MiB and no byte more: 1009 to whoever sends more', async (t) => {
  const { peer, proxy } = await peerPair(t);
  const side = new LinkSide(proxy, 'server', {});
  const frame = Buffer.from('000000000000000300004000', 'hex');
  const largest = Buffer.alloc(2 ** 20);
  // Sixteen frames of 16 KiB fill the window; empty ones fill the rest of the message.
  const empty = Buffer.from('000000000000000300000000', 'hex');
  let at = 0;
  largest.set(Buffer.from('000100010000000300000000', 'hex'), at);
  for (at = 12; at < 16 * (12 + 16_384); at += 12 + 16_384) largest.set(frame, at);
  for (; at + 12 <= largest.length; at += 12) largest.set(empty, at);
  peer.send(largest.subarray(0, at));
  peer.resume();
  await side.stream();
  await until('all of it has come', () => side.user.received.get(3) === 262_144);
  t.ok(side.link.isOpen);
  peer.send(Buffer.alloc(2 ** 20 + 1));
  const [code] = await once(peer, 'close');
  t.equal(code, 1009);
  t.match(await side.ended.promise, { violation: undefined });
  t.same(side.user.events, ['stream 3', 'reset 3 cancelled']);
});

test('rubbish in place of WebSocket frames ends the link, and nothing else', async (t) => {
  const { agent, proxy } = await socketPair(t, {});
  const side = new LinkSide(proxy, 'server', {});
  side.open();
  await turns();
  agent.socket.write(Buffer.from('ffffffffffffffff', 'hex'));
  await until('it is seen', () => !side.link.isOpen);
  t.same(side.user.events, ['reset 2 cancelled'], 'streams do not wait for the close to be answered');
  agent.socket.resume();
  t.match(await side.ended.promise, { code: 1002 });
  t.equal(side.events.length, 1);
});

test('ids that come to their end are told of', async (t) => {
  const { agent } = await linkPair(t, { agent: { firstStreamId: 0x7fff_ffff } });
  agent.open();
  t.same(agent.events, ['ids low']);
});

test('one write a turn, however many streams speak', async (t) => {
  for (const tls of [false, true]) {
    // oxlint-disable no-await-in-loop -- one link after the other
    const { agent, proxy } = await linkPair(t, { tls });
    let writes = 0;
    const { socket } = agent.ends;
    for (const name of ['_write', '_writev'] as const) {
      const original: unknown = Reflect.get(socket, name);
      if (typeof original !== 'function') throw new Error(`a socket without ${name}`);
      Reflect.set(socket, name, (...args: unknown[]) => {
        writes += 1;
        return Reflect.apply(original, socket, args);
      });
    }
    const streams = Array.from({ length: 100 }, () => agent.open());
    for (const stream of streams) stream.write(hello);
    agent.link.goAway();
    await turns();
    t.equal(writes, 1, `100 SYNs with data and a GoAway, ${tls ? 'wss' : 'ws'}`);
    await proxy.stream(100);
    for (const stream of streams) stream.write(Buffer.alloc(1_200));
    await turns();
    t.equal(writes, 2, '120 KB in two messages');
    for (const stream of streams) fill(stream, 128 * 1024);
    await turns();
    t.ok(writes <= 5, `${writes}: at most one more in each turn`);
    // oxlint-enable no-await-in-loop
  }
});
