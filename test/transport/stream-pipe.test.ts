/** A stream and a socket, joined: bytes, ends and back-pressure pass both ways, and each end of it is told once. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import { StreamPipe } from '../../shared/transport/stream-pipe.ts';
import { WriteBatch } from '../../shared/transport/write-batch.ts';
import { Wire } from '../e2e/support/wire.ts';
import { endlessWriter, fill } from './bulk.ts';
import { joined } from './joined.ts';
import { linkPair } from './links.ts';
import { bufferMib } from './memory.ts';
import { stuff, tcpPair } from './socket-pair.ts';
import { turns, until } from './until.ts';

const endings: [first: 'stream' | 'socket', says: string][] = [
  ['stream', 'the stream ends first'],
  ['socket', 'the socket ends first'],
];
for (const [first, says] of endings) {
  test(`bytes pass both ways, and each end as a half-close: ${says}`, async (t) => {
    const { stream, peer, pipe, far, told } = await joined(t);
    const wire = new Wire(far.resume());
    const endStream = async (): Promise<void> => {
      stream.write(Buffer.from('last words'));
      stream.end();
      t.equal(await wire.until('last words'), 'last words');
      t.equal(await wire.left(), 'fin');
    };
    const endSocket = async (): Promise<void> => {
      wire.write('last answer');
      wire.end();
      await until('its end', () => stream.endReceived);
      t.equal(peer.user.events.at(-1), 'end 2');
    };
    const [one, other] = first === 'stream' ? [endStream, endSocket] : [endSocket, endStream];
    await one();
    t.same(told, [], 'half of it is open');
    if (first === 'stream') wire.write('still here');
    else stream.write(Buffer.from('still here'));
    if (first === 'socket') await wire.until('still here');
    await other();
    await until('its owner is told', () => told.length > 0);
    t.same(told, ['pipe end']);
    t.notOk(pipe.isAttached);
    const answers = first === 'stream' ? 'still herelast answer' : 'last answer';
    const requests = first === 'stream' ? 'last words' : 'still herelast words';
    t.equal(peer.user.received.get(2), answers.length);
    t.same([pipe.bytesIn, pipe.bytesOut], [answers.length, requests.length]);
    t.equal(peer.link.session.streamCount, 0);
  });
}

test('a stream without credit pauses the socket, holds one read, and ends behind it', async (t) => {
  const { stream, peer, pipe, piped, near, far, told } = await joined(t);
  peer.user.quiet = true;
  peer.user.consumes = false;
  const total = 3_000_000;
  far.end(Buffer.alloc(total));
  await until('the window is full', () => stream.unconsumedBytes === 262_144);
  await turns(20);
  t.ok(near.isPaused());
  t.equal(piped.queuedBytes, 0, 'nothing is queued that has no credit');
  const held = near.bytesRead - 262_144;
  t.ok(held <= near.readableHighWaterMark + 65_536 + 65_536, `${held} bytes read and held`);
  peer.user.consumes = true;
  stream.consume(stream.unconsumedBytes);
  await until('the end', () => stream.endReceived);
  t.equal(peer.user.received.get(2), total);
  t.equal(pipe.bytesIn, total);
  t.same(told, []);
});

test('a socket that is full gives nothing back to the window before it has drained', async (t) => {
  const { stream, piped, near, far, told } = await joined(t);
  await stuff(near);
  stream.handler = endlessWriter;
  fill(stream, Infinity);
  await until('the window is used up', () => piped.unconsumedBytes === 262_144);
  await turns(20);
  t.same([stream.writableBytes, stream.queuedBytes], [0, 0], 'not a byte is under way');
  stream.handler = { ...endlessWriter, onWritable() {} };
  far.resume();
  await until('all is given back', () => piped.unconsumedBytes === 0);
  await until('and granted', () => stream.writableBytes > 0);
  t.same(told, []);
});

test('a stalled socket holds what its stream said, not every message a piece of it came in', async (t) => {
  const { agent, proxy } = await linkPair(t);
  const { near } = await tcpPair(t);
  await stuff(near);
  const pipe = new StreamPipe(near, new WriteBatch(), { onStreamReset() {}, onPipeEnd() {} });
  pipe.attach(proxy.open());
  proxy.open().handler = endlessWriter;
  const trickle = await agent.stream(1);
  const bulk = await agent.stream(2);
  bulk.handler = endlessWriter;
  fill(bulk, Infinity);
  const before = await bufferMib();
  for (let i = 0; i < 1_000; i++) {
    trickle.write(Buffer.of(i));
    // oxlint-disable-next-line no-await-in-loop -- each byte in a message of its own, among megabytes of the other stream
    await turns(1);
  }
  const grown = (await bufferMib()) - before;
  t.ok(pipe.bytesOut > 900);
  t.ok(grown < 2, `${grown.toFixed(2)} MiB for ${pipe.bytesOut} bytes`);
});

test('a reset from the other end: the owner is told once, with the code, and the pipe is free', async (t) => {
  for (const code of Object.values(resetCode)) {
    // oxlint-disable no-await-in-loop -- one pipe after the other
    const { stream, pipe, piped, far, near, told } = await joined(t);
    stream.reset(code);
    await until('it is told', () => told.length > 0);
    t.same(told, [`reset ${code}`]);
    t.notOk(pipe.isAttached);
    t.notOk(near.destroyed, 'what becomes of the socket is its owner`s business');
    far.write('for nobody');
    await once(near, 'data');
    pipe.reset(resetCode.cancelled);
    pipe.socketEnded();
    pipe.socketDrained();
    t.equal(piped.queuedBytes, 0);
    t.same(told, [`reset ${code}`]);
    // oxlint-enable no-await-in-loop
  }
});

test('a reset while bytes wait in either direction drops them and leaves nothing', async (t) => {
  const { stream, peer, pipe, piped, near, far, told } = await joined(t);
  peer.user.quiet = true;
  peer.user.consumes = false;
  await stuff(near);
  far.write(Buffer.alloc(2_000_000));
  fill(stream, Infinity);
  await until('the socket is paused', () => near.isPaused());
  stream.reset(resetCode.cancelled);
  await until('it is told', () => told.length > 0);
  t.same([piped.queuedBytes, peer.link.session.heldBytes, peer.link.session.streamCount], [0, 0, 0]);
  t.notOk(pipe.isAttached);
  pipe.attach(peer.open());
  t.same([pipe.bytesIn, pipe.bytesOut], [0, 0], 'the next exchange begins at nothing');
});

test('a reset from this side tells the other end and not the owner', async (t) => {
  const { peer, pipe, told } = await joined(t);
  pipe.reset(resetCode.backendTls);
  pipe.reset(resetCode.cancelled);
  await until('the other end hears', () => peer.user.events.length > 0);
  t.same(peer.user.events, ['reset 2 backendTls']);
  t.same(told, []);
});

test('one stream at a time', async (t) => {
  const { pipe, piped } = await joined(t);
  t.throws(() => pipe.attach(piped), { message: 'a pipe carries one stream at a time' });
});

test('40 MB go each way at once through stops and starts, unchanged', async (t) => {
  const { stream, peer, far, told } = await joined(t);
  peer.user.quiet = true;
  const total = 40_000_000;
  const block = Buffer.from(Uint8Array.from({ length: 65_537 }, (_, i) => (i * 31) & 0xff));
  const [up, down, upHeard, downHeard] = Array.from({ length: 4 }, () => createHash('sha256'));
  let [upLeft, downLeft, upBytes, downBytes] = [total, total, 0, 0];
  const writeUp = (): void => {
    while (upLeft > 0) {
      const piece = block.subarray(0, Math.min(upLeft, block.length));
      const taken = stream.write(piece);
      up?.update(piece.subarray(0, taken));
      upLeft -= taken;
      if (taken < piece.length) return;
    }
    stream.end();
  };
  const writeDown = (): void => {
    for (let goesOn = true; goesOn && downLeft > 0;) {
      const piece = block.subarray(0, Math.min(downLeft, 50_001));
      down?.update(piece);
      downLeft -= piece.length;
      goesOn = far.write(piece);
    }
    if (downLeft === 0) far.end();
  };
  stream.handler = {
    ...endlessWriter,
    onWritable: writeUp,
    onData(self, bytes) {
      downHeard?.update(bytes);
      downBytes += bytes.length;
      self.consume(bytes.length);
    },
  };
  far.on('drain', writeDown);
  far.on('data', (piece: Buffer) => {
    upHeard?.update(piece);
    upBytes += piece.length;
  });
  far.resume();
  const stutter = setInterval(() => (far.isPaused() ? far.resume() : far.pause()), 5);
  writeUp();
  writeDown();
  await until('both ends', () => upBytes === total && downBytes === total, 60_000).finally(() =>
    clearInterval(stutter),
  );
  far.resume();
  await until('the pipe`s end', () => told.length > 0);
  t.same(told, ['pipe end']);
  t.equal(upHeard?.digest('hex'), up?.digest('hex'));
  t.equal(downHeard?.digest('hex'), down?.digest('hex'));
});

for (const isStuck of [false, true]) {
  test(`what is said last leaves before the socket is closed${isStuck ? ', however long it waits' : ''}`, async (t) => {
    const { stream, pipe, near, far } = await joined(t);
    const before = isStuck ? await stuff(near) : 0;
    stream.write(Buffer.from('given, '));
    await until('it is here', () => pipe.bytesOut === 7);
    pipe.say(Buffer.from('said'));
    pipe.reset(resetCode.cancelled);
    pipe.closeSocket();
    const wire = new Wire(far.resume());
    await wire.take(before);
    t.equal((await wire.take(11)).toString(), 'given, said');
    t.equal(await wire.left(), 'fin');
  });
}
