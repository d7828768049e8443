/** What goes out by a socket: in order, in one piece a turn, and at about its own weight while it waits. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type Test, test } from 'tap';
import { Outlet } from '../../shared/transport/outlet.ts';
import { WriteBatch } from '../../shared/transport/write-batch.ts';
import { patienceMs, within } from '../e2e/support/deadline.ts';
import { bufferMib } from './memory.ts';
import { stuff, tcpPair } from './socket-pair.ts';
import { turns, until } from './until.ts';

const kib = 1024;

/** An outlet on a socket whose kernel takes no more, and how many bytes that took. */
async function stuckOutlet(t: Test): Promise<{ outlet: Outlet; near: Socket; far: Socket; before: number }> {
  const { near, far } = await tcpPair(t);
  const before = await stuff(near);
  const outlet = new Outlet(near, new WriteBatch());
  // Its first piece is the socket's; from now on the socket has something of it that waits.
  outlet.write('-');
  await turns();
  return { outlet, near, far, before: before + 1 };
}

/** All that arrives from now on, when `count` bytes have come. */
async function read(far: Socket, count: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  far.on('data', (piece: Buffer) => {
    pieces.push(piece);
    bytes += piece.length;
  });
  far.resume();
  await until(`${count} bytes`, () => bytes >= count);
  return Buffer.concat(pieces);
}

function writesOf(socket: Socket): () => number {
  let writes = 0;
  for (const name of ['_write', '_writev'] as const) {
    const original: unknown = Reflect.get(socket, name);
    if (typeof original !== 'function') throw new Error(`a socket without ${name}`);
    Reflect.set(socket, name, (...args: unknown[]) => {
      writes += 1;
      return Reflect.apply(original, socket, args);
    });
  }
  return () => writes;
}

test('what is written in one turn leaves in one write', async (t) => {
  const { near, far } = await tcpPair(t);
  const outlet = new Outlet(near, new WriteBatch());
  const writes = writesOf(near);
  outlet.write('a head\r\n\r\n');
  for (let i = 0; i < 100; i++) outlet.write(Buffer.from('x'));
  outlet.write('\xe9');
  t.equal(writes(), 0);
  const bytes = await read(far, 111);
  t.equal(bytes.toString('latin1'), `a head\r\n\r\n${'x'.repeat(100)}\xe9`);
  t.equal(writes(), 1);
  t.notOk(outlet.isFull);
  t.equal(outlet.unsentBytes, 0);
});

test('one byte of each of ten thousand messages costs ten thousand bytes, not ten thousand messages', async (t) => {
  const { outlet } = await stuckOutlet(t);
  const unsentBefore = outlet.unsentBytes;
  const before = await bufferMib();
  for (let i = 0; i < 10_000; i++) {
    const message = Buffer.allocUnsafeSlow(64 * kib);
    outlet.write(message.subarray(100, 101));
    // oxlint-disable-next-line no-await-in-loop -- each message in a turn of its own, so that memory can be looked at
    if (i % 500 === 0) await turns(1);
  }
  t.equal(outlet.unsentBytes - unsentBefore, 10_000);
  const grown = (await bufferMib()) - before;
  t.ok(grown < 1, `${grown.toFixed(3)} MiB; all messages would be 640`);
});

test('a piece that is most of what it keeps alive is kept as it is, a small part of much is copied', async (t) => {
  const { outlet, far, before } = await stuckOutlet(t);
  const whole = Buffer.allocUnsafeSlow(16 * kib).fill(1);
  const quarter = Buffer.allocUnsafeSlow(64 * kib)
    .fill(2)
    .subarray(0, 16 * kib);
  const part = Buffer.allocUnsafeSlow(64 * kib)
    .fill(3)
    .subarray(0, 8 * kib);
  for (const bytes of [whole, quarter, part]) outlet.write(bytes);
  // Written to while it is kept: who shares memory sees it.
  for (const bytes of [whole, quarter, part]) bytes.fill(9);
  const bytes = (await read(far, before + 40 * kib)).subarray(before);
  t.same([bytes[0], bytes[16 * kib], bytes[32 * kib]], [9, 9, 3]);
});

test('whatever the pieces and whenever they come, they arrive in order and whole', async (t) => {
  const { outlet, far, before } = await stuckOutlet(t);
  const sizes = [1, 5_000, 3, 4_095, 1, 4_096, 4_097, 0, 70_000, 2, 2, 2, 12_288, 1, 300_000, 7];
  const said: Buffer[] = [];
  const arriving = read(far, before + 3 * sizes.reduce((sum, size) => sum + size, 0));
  for (let round = 0, n = 0; round < 3; round++) {
    for (const size of sizes) {
      const bytes = Buffer.from(Uint8Array.from({ length: size }, () => (n = (n * 31 + 7) % 251)));
      said.push(bytes);
      outlet.write(size % 2 === 0 ? bytes : bytes.toString('latin1'));
      // oxlint-disable-next-line no-await-in-loop -- some in one turn, some in the next
      if (size % 3 === 0) await turns(1);
    }
    if (round === 1) far.pause();
    // oxlint-disable-next-line no-await-in-loop
    await turns(3);
    far.resume();
  }
  t.ok((await arriving).subarray(before).equals(Buffer.concat(said)));
  t.equal(outlet.unsentBytes, 0);
});

test('full means that a drain follows, after which there is room: whoever waits for it never waits for ever', async (t) => {
  for (const size of [100, 10_000, 40_000, 64 * kib, 200_000]) {
    for (const inOneTurn of [true, false]) {
      // oxlint-disable no-await-in-loop -- one socket after the other
      const { near, far } = await tcpPair(t);
      // The kernel is full and the socket itself holds less than its mark.
      await stuff(near, Buffer.alloc(50 * kib));
      const outlet = new Outlet(near, new WriteBatch());
      t.notOk(outlet.isFull);
      while (!outlet.isFull) {
        outlet.write(Buffer.alloc(size));
        if (!inOneTurn) await turns(1);
      }
      t.ok(outlet.unsentBytes >= near.writableHighWaterMark);
      far.resume();
      do await once(near, 'drain');
      while (outlet.isFull);
      await until('all has left', () => outlet.unsentBytes === 0);
      t.pass(`${size}, ${inOneTurn ? 'in one turn' : 'turn by turn'}`);
      // oxlint-enable no-await-in-loop
    }
  }
});

test('so it is where the kernel takes all of it at once', async (t) => {
  for (const size of [100, 1_000, 200_000]) {
    for (const isText of [true, false]) {
      // oxlint-disable no-await-in-loop -- one socket after the other
      const { near, far } = await tcpPair(t);
      const outlet = new Outlet(near, new WriteBatch());
      const drained = once(near, 'drain');
      let bytes = 0;
      for (; !outlet.isFull; bytes += size) outlet.write(isText ? 'x'.repeat(size) : Buffer.alloc(size));
      t.ok(bytes >= near.writableHighWaterMark);
      await within(patienceMs, () => `a drain of ${size}, ${isText ? 'text' : 'bytes'}`, drained);
      t.notOk(outlet.isFull);
      await read(far, bytes);
      // oxlint-enable no-await-in-loop
    }
  }
});

test('the end comes behind what is kept', async (t) => {
  const { outlet, near, far, before } = await stuckOutlet(t);
  outlet.write('kept');
  outlet.end();
  const ended = once(far, 'end');
  const bytes = await read(far, before + 4);
  t.equal(bytes.subarray(before).toString(), 'kept');
  await ended;
  t.ok(near.writableFinished);
});

test('a destroyed socket keeps nothing and takes nothing', async (t) => {
  const { outlet, near } = await stuckOutlet(t);
  outlet.write(Buffer.alloc(100_000));
  near.destroy();
  outlet.write(Buffer.alloc(100_000));
  outlet.release();
  outlet.release();
  outlet.end();
  await once(near, 'close');
  t.ok(outlet.unsentBytes <= near.writableLength, 'what is left is the socket`s');
});

test('what waits is held until the last of it has left, and its owner is told then, once, if it has asked', async (t) => {
  const { near, far } = await tcpPair(t);
  const before = await stuff(near);
  let told = 0;
  const outlet = new Outlet(near, new WriteBatch(), () => {
    told += 1;
    t.equal(outlet.unsentBytes, 0);
  });
  outlet.write('-');
  t.ok(outlet.holds('anything'));
  await turns();
  outlet.write(Buffer.alloc(10 * kib));
  t.equal(told, 0);
  await read(far, before + 1 + 10 * kib);
  await until('word of it', () => told > 0);
  t.notOk(outlet.holds('anything'));
  outlet.write('nobody asks');
  await until('it has left', () => outlet.unsentBytes === 0);
  await turns();
  t.equal(told, 1);
});
