/** Back-pressure over a real WebSocket: what a full socket, a slow reader and much data do to the others and to memory. */
import { createHash } from 'node:crypto';
import { type Test, test } from 'tap';
import type { StreamHandler } from '../../shared/mux/stream-handler.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { endlessWriter, fill, fillSocket } from './bulk.ts';
import { linkPair, type LinkPair } from './links.ts';
import { turns, until } from './until.ts';

const mib = 1024 * 1024;
const hello = Buffer.from('hello');
/** Hundreds of megabytes take seconds of processor time, of which a busy machine gives little. */
const bulkPatienceMs = 60_000;

test('nothing is taken from the streams while the socket is full; it goes on when it has drained', async (t) => {
  for (const tls of [false, true]) {
    // oxlint-disable no-await-in-loop -- one link after the other
    const { agent, proxy } = await linkPair(t, { tls });
    agent.ends.socket.pause();
    await fillSocket(proxy.link);
    const highWater = 128 * 1024 + 64 * 1024 + 1024;
    t.ok(proxy.link.unsentBytes <= highWater, `${proxy.link.unsentBytes} bytes wait in the socket`);
    const small = proxy.open();
    small.write(hello);
    await turns(20);
    t.equal(small.queuedBytes, hello.length, 'it waits in its stream');
    t.notOk(small.isAnnounced);
    agent.ends.socket.resume();
    await until('all of it arrives', () => agent.user.received.get(small.id) === hello.length);
    t.ok(agent.link.isOpen && proxy.link.isOpen);
    t.same([agent.events, proxy.events], [[], []]);
    // oxlint-enable no-await-in-loop
  }
});

test('a stream whose reader does not read delays no other, and holds its window and no more', async (t) => {
  const { agent, proxy } = await linkPair(t);
  const stuckUser: StreamHandler = { ...endlessWriter, onData() {} };
  agent.user.react = (event, stream) => {
    if (event === 'stream' && stream.id === 2) stream.handler = stuckUser;
  };
  const endless = proxy.open();
  endless.handler = endlessWriter;
  fill(endless, Infinity);
  const stuck = await agent.stream();
  await until('the window is full', () => stuck.unconsumedBytes === 262_144);
  const started = performance.now();
  const others = 200;
  agent.user.react = (event, stream) => event === 'data' && void stream.write(hello);
  for (let i = 0; i < others; i++) {
    const before = proxy.user.received.size;
    proxy.open().write(hello);
    // oxlint-disable-next-line no-await-in-loop -- there and back, one after the other
    await until('an answer', () => proxy.user.received.size > before);
  }
  t.comment(`${((performance.now() - started) / others).toFixed(2)} ms there and back`);
  t.equal(stuck.unconsumedBytes, 262_144, 'and not a byte more came for the first');
  t.equal(agent.link.session.heldBytes, 262_144);
});

/** Sends `total` bytes on each of `count` streams and compares what was said with what was heard. */
async function carries(t: Test, { agent, proxy }: LinkPair, count: number, total: number): Promise<void> {
  const block = Buffer.alloc(64 * 1024, 'a pattern that is no power of two long; ');
  const said = Array.from({ length: count }, () => createHash('sha256'));
  const heard = new Map<number, ReturnType<typeof createHash>>();
  let ended = 0;
  const reader: StreamHandler = {
    ...endlessWriter,
    onData(stream, bytes) {
      heard.get(stream.id)?.update(bytes);
      stream.consume(bytes.length);
    },
    onEnd: () => void (ended += 1),
  };
  agent.user.react = (event, stream) => {
    if (event !== 'stream') return;
    heard.set(stream.id, createHash('sha256'));
    stream.handler = reader;
  };
  const ids = said.map((hash) => {
    let left = total;
    const write = (stream: MuxStream) => {
      while (left > 0) {
        const at = (total - left) % 1_009;
        const piece = block.subarray(at, at + Math.min(left, 48_000));
        const taken = stream.write(piece);
        hash.update(piece.subarray(0, taken));
        left -= taken;
        if (taken < piece.length) return;
      }
      stream.end();
    };
    const stream = proxy.link.open({ ...endlessWriter, onWritable: write });
    if (stream === undefined) throw new Error('not opened');
    write(stream);
    return stream.id;
  });
  await until('every stream ends', () => ended === count, bulkPatienceMs);
  t.same(
    ids.map((id) => heard.get(id)?.digest('hex')),
    said.map((hash) => hash.digest('hex')),
  );
}

for (const tls of [false, true]) {
  test(`${tls ? 'wss' : 'ws'}: a reader that stops and goes on gets every byte`, async (t) => {
    const pair = await linkPair(t, { tls });
    let stops = 0;
    let mostUnsent = 0;
    const stutter = setInterval(() => {
      const { socket } = pair.agent.ends;
      mostUnsent = Math.max(mostUnsent, pair.proxy.link.unsentBytes);
      stops += socket.isPaused() ? 0 : 1;
      if (socket.isPaused()) socket.resume();
      else socket.pause();
    }, 4);
    await carries(t, pair, 64, mib).finally(() => clearInterval(stutter));
    t.ok(stops > 4, `${stops} stops`);
    t.ok(mostUnsent > 64 * 1024, `${mostUnsent} bytes waited in the socket`);
    t.equal(pair.proxy.link.session.heldBytes, 0);
  });
}

for (const [scheme, sender] of [
  ['ws', 'proxy'],
  ['ws', 'agent'],
  ['wss', 'proxy'],
  ['wss', 'agent'],
] as const) {
  test(`${scheme}: what a full socket of the ${sender} holds is not written over by what is said meanwhile`, async (t) => {
    // oxlint-disable no-await-in-loop -- one turn after the other
    const pair = await linkPair(t, { tls: scheme === 'wss' });
    const [from, to] = sender === 'proxy' ? [pair.proxy, pair.agent] : [pair.agent, pair.proxy];
    to.ends.socket.pause();
    const said = new Map<number, number>();
    const say = async (bytes: number): Promise<void> => {
      const stream = from.open();
      said.set(stream.id, stream.write(Buffer.alloc(bytes, stream.id)));
      await turns(2);
    };
    while (from.link.unsentBytes === 0) await say(64 * 1024);
    for (let i = 0; i < 40; i++) await say(1_000);
    t.ok(from.link.unsentBytes > 40_000, 'none of these left');
    t.notOk(from.link.session.hasOutput, 'and each was given to the socket in its own turn');
    const wrong: string[] = [];
    to.user.onData = (stream, bytes) => {
      said.set(stream.id, (said.get(stream.id) ?? 0) - bytes.length);
      if (bytes.some((byte) => byte !== (stream.id & 0xff))) wrong.push(`stream ${stream.id}`);
    };
    to.ends.socket.resume();
    await until('all has come', () => [...said.values()].every((left) => left === 0));
    t.same(wrong, []);
    // oxlint-enable no-await-in-loop
  });
}

for (const [scheme, count] of [
  ['ws', 1],
  ['wss', 1],
  ['ws', 16],
] as const) {
  test(`${scheme}: 200 MB over ${count} streams arrive as they were said, in bounded memory`, async (t) => {
    const pair = await linkPair(t, { tls: scheme === 'wss' });
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, pair.agent.link.session.heldBytes + pair.proxy.link.session.heldBytes);
    }, 1);
    const before = process.memoryUsage.rss();
    const started = performance.now();
    await carries(t, pair, count, Math.floor(200_000_000 / count)).finally(() => clearInterval(watch));
    const seconds = (performance.now() - started) / 1_000;
    const grown = (process.memoryUsage.rss() - before) / mib;
    t.comment(
      `${(200 / seconds).toFixed(0)} MB/s, ${peak / mib} MiB held at most, ${grown.toFixed(0)} MiB more in RAM`,
    );
    t.ok(
      peak <= count * 128 * 1024,
      'what is held is what streams have queued: a reader that reads holds nothing',
    );
    t.ok(grown < 150, `${grown} MiB`);
  });
}
