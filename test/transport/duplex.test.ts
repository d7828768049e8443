/** A stream as a node Duplex: piped both ways, half-closed, destroyed and broken, as any other Duplex. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { type Test, test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import { StreamDuplex, StreamReset } from '../../shared/transport/duplex.ts';
import { linkPair, type LinkPair } from './links.ts';
import { bufferMib } from './memory.ts';
import { turns, until } from './until.ts';

interface Duplexes extends LinkPair {
  readonly near: StreamDuplex;
  readonly far: StreamDuplex;
}

async function duplexPair(t: Test): Promise<Duplexes> {
  const pair = await linkPair(t);
  const arrived = Promise.withResolvers<StreamDuplex>();
  pair.agent.user.react = (event, stream) => {
    if (event === 'stream') arrived.resolve(new StreamDuplex(stream));
  };
  const near = new StreamDuplex(pair.proxy.open());
  const far = await arrived.promise;
  // The link ends with the test.
  for (const end of [near, far]) end.on('error', () => {});
  return { ...pair, near, far };
}

function pattern(bytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >>> 11)) & 0xff));
}

test('piped into itself at the far end, 20 MB come back as they went', async (t) => {
  const { near, far, agent, proxy } = await duplexPair(t);
  const sent = pattern(20_000_000);
  const echoing = pipeline(far, far);
  const [back] = await Promise.all([
    buffer(near),
    pipeline(Readable.from(chunksOf(sent, 70_000)), near, { end: true }),
  ]);
  t.equal(createHash('sha256').update(back).digest('hex'), createHash('sha256').update(sent).digest('hex'));
  await echoing;
  await until('both sides are done', () => agent.link.session.streamCount === 0);
  t.same(
    [proxy.link.session.streamCount, proxy.link.session.heldBytes, agent.link.session.heldBytes],
    [0, 0, 0],
  );
  t.ok(near.closed && far.closed);
});

function* chunksOf(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

for (const [who, other] of [
  ['near', 'far'],
  ['far', 'near'],
] as const) {
  test(`a half-close of the ${who} end is one: the other end goes on, and its last words arrive`, async (t) => {
    const pair = await duplexPair(t);
    pair[who].end('request');
    t.equal((await buffer(pair[other])).toString(), 'request');
    t.notOk(pair[other].destroyed, 'half of it is open');
    const heard = buffer(pair[who]);
    pair[other].write('an answer, ');
    await turns();
    // The end and the bytes before it are given in the turn in which this side has heard the other's end already.
    pair[other].end(pattern(100_000));
    const bytes = await heard;
    t.equal(bytes.length, 11 + 100_000);
    t.ok(bytes.subarray(11).equals(pattern(100_000)));
    await until('both are closed', () => pair.near.closed && pair.far.closed);
    t.same([pair.near.errored, pair.far.errored], [null, null]);
  });
}

test('destroyed: the other end hears a reset, its unfinished write too', async (t) => {
  const { near, far } = await duplexPair(t);
  const failed = once(far, 'error');
  const writing = Promise.withResolvers<Error | null | undefined>();
  far.write(Buffer.alloc(1_000_000), writing.resolve);
  await turns();
  near.destroy();
  const [error] = await failed;
  t.ok(error instanceof StreamReset);
  t.match(error, { code: 'stream_reset', scope: 'stream', initiator: 'remote', answer: resetCode.cancelled });
  t.equal(await writing.promise, error);
  t.equal(near.errored, null);
  t.ok(far.destroyed);
});

test('destroyed before its end has left: a reset, never a clean end', async (t) => {
  const { near, far } = await duplexPair(t);
  const failed = once(far, 'error');
  near.end('cut short');
  near.destroy();
  t.match((await failed)[0], { answer: resetCode.cancelled });
});

test('each reset code of the other end is the error`s answer', async (t) => {
  for (const code of Object.values(resetCode)) {
    // oxlint-disable no-await-in-loop -- one stream after the other
    const { agent, near } = await duplexPair(t);
    const failed = once(near, 'error');
    (await agent.stream()).reset(code);
    t.match((await failed)[0], { answer: code });
    // oxlint-enable no-await-in-loop
  }
});

test('the link is lost under it', async (t) => {
  const { near, far, agent } = await duplexPair(t);
  const failed = Promise.all([once(near, 'error'), once(far, 'error')]);
  agent.link.terminate();
  for (const [error] of await failed) t.match(error, { code: 'stream_reset', answer: resetCode.cancelled });
});

test('who does not read is sent a window, and reading it all gives it back', async (t) => {
  const { near, far, proxy, agent } = await duplexPair(t);
  const sent = pattern(1_000_000);
  far.end(sent);
  // A read is taken ahead up to the readable side's own mark; it is too little for a grant.
  const most = 262_144;
  await until('the window is used up', () => near.readableLength === most);
  await turns(20);
  t.equal(near.readableLength, most);
  t.ok(proxy.link.session.heldBytes >= most - near.readableHighWaterMark);
  t.ok((await buffer(near)).equals(sent));
  near.end();
  await until('nothing is held', () => proxy.link.session.heldBytes + agent.link.session.heldBytes === 0);
  t.same([proxy.events, agent.events], [[], []]);
});

test('what waits to be read weighs what it says', async (t) => {
  const { near, far, proxy, agent } = await duplexPair(t);
  agent.user.react = () => {};
  proxy.open();
  const other = await agent.stream(2);
  const before = await bufferMib();
  for (let i = 0; i < 1_000; i++) {
    far.write(Buffer.of(i));
    other.write(Buffer.alloc(40_000));
    // oxlint-disable-next-line no-await-in-loop -- each byte in a message of its own, beside much of another stream
    await turns(1);
  }
  const grown = (await bufferMib()) - before;
  t.ok(near.readableLength > 900);
  t.ok(grown < 2, `${grown.toFixed(2)} MiB for ${near.readableLength} bytes`);
});
