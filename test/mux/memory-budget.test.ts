/** What the streams of a program may hold together: how it is shared out, who is refused, and that all of it comes back. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import { MemoryBudget, streamBytes } from '../../shared/mux/memory-budget.ts';
import type { Width } from '../../shared/mux/memory-budget.ts';
import {
  initialWindowBytes,
  narrowWindowBytes,
  ReceiveWindow,
  WindowBudget,
} from '../../shared/mux/window.ts';
import { Pair } from './pair.ts';
import { kib, mib, sender } from './sender.ts';

test('the first half is for wide streams, the rest for narrow ones, and one more is refused and counted', (t) => {
  const memory = new MemoryBudget(16 * mib);
  const opened = { wide: 0, narrow: 0 };
  for (let { width } = memory; memory.openStream(width); width = memory.width) opened[width] += 1;
  const ofWide = Math.floor((8 * mib) / streamBytes.wide);
  t.equal(opened.wide, ofWide);
  t.equal(opened.wide, memory.mostWideStreams);
  t.equal(opened.narrow, Math.floor((16 * mib - ofWide * streamBytes.wide) / streamBytes.narrow));
  t.ok(memory.reservedBytes <= 16 * mib);
  t.equal(memory.refusedStreams, 1);
  memory.release(streamBytes.narrow);
  t.ok(memory.openStream('narrow'), 'one that ends makes room');
  t.notOk(memory.openBeside(streamBytes.narrow));
  t.equal(memory.refusedStreams, 2);
  t.end();
});

test('windows grow to three quarters of the budget, all together to half of it, those of one link to a quarter', (t) => {
  const rows = [
    ['a link', 0, 1, 4],
    ['two links', 0, 2, 8],
    ['three links', 0, 3, 8],
    ['beside streams', 6, 3, 6],
    ['beside many', 12, 3, 0],
  ] as const;
  for (const [name, besideMib, links, grownMib] of rows) {
    const memory = new MemoryBudget(16 * mib);
    t.ok(memory.reserve(besideMib * mib));
    let grown = 0;
    for (let link = 0; link < links; link += 1) {
      const growth = memory.growthOfLink();
      while (growth.reserve(mib / 2)) grown += 0.5;
    }
    t.equal(grown, grownMib, name);
    t.equal(memory.isTight, false, 'growth alone never makes it tight');
    t.equal(memory.reservedBytes, (besideMib + grownMib) * mib);
  }
  t.end();
});

test('more given back than was taken is a mistake', (t) => {
  const memory = new MemoryBudget(mib);
  memory.retain(5);
  t.throws(() => memory.release(6));
  memory.release(5);
  t.equal(memory.reservedBytes, 0);
  t.end();
});

test('a window that shrinks keeps what a narrow one has, gives its growth back first, and grants nothing twice', (t) => {
  const budget = new WindowBudget(mib);
  const window = new ReceiveWindow(mib, budget);
  t.equal(window.shrink(), 0, 'nothing was consumed: what was granted cannot be taken back');
  t.ok(window.accept(initialWindowBytes));
  window.deliver(initialWindowBytes);
  window.consume(initialWindowBytes);
  window.tune(0, 10);
  window.tune(1, 10);
  t.equal(window.takeUpdate(), initialWindowBytes + budget.reservedBytes);
  const grown = budget.reservedBytes;
  t.ok(grown > 0);
  t.ok(window.accept(grown + 1_000));
  window.deliver(grown + 1_000);
  window.consume(grown + 1_000);
  t.equal(window.shrink(), 1_000);
  t.equal(budget.reservedBytes, 0);
  t.equal(window.sizeBytes, initialWindowBytes - 1_000);
  t.equal(window.takeUpdate(), 0);
  t.ok(window.accept(window.creditBytes));
  window.deliver(window.sizeBytes);
  window.consume(window.sizeBytes);
  t.equal(window.shrink(), initialWindowBytes - 1_000 - narrowWindowBytes);
  t.equal(window.takeUpdate(), narrowWindowBytes, 'so the sender never waits for ever');
  t.end();
});

/** A pair whose server, as the proxy, opens the streams. */
function pairOf(memoryBytes: number, peerWideStreams?: number): { pair: Pair; memory: MemoryBudget } {
  const memory = new MemoryBudget(memoryBytes);
  const pair = new Pair({ server: { memory } });
  if (peerWideStreams !== undefined) pair.server.session.peerWideStreams = peerWideStreams;
  return { pair, memory };
}

function open(pair: Pair, count: number): Width[] {
  return Array.from({ length: count }, () => pair.server.session.open(pair.server.user)?.width).filter(
    (width) => width !== undefined,
  );
}

test('which streams are narrow: only to a peer that knows them, beyond its own room, beyond half of ours', (t) => {
  const rows = [
    ['a plain peer', 64 * mib, undefined, ['wide', 'wide', 'wide']],
    ['a plain peer, and memory is short', mib, undefined, ['wide']],
    ['room for one there', 64 * mib, 1, ['wide', 'narrow', 'narrow']],
    ['room for none there', 64 * mib, 0, ['narrow', 'narrow', 'narrow']],
    ['room for one here', 1.25 * mib, 9, ['wide', 'narrow', 'narrow']],
    ['room for no wide one here', mib, 9, ['narrow', 'narrow', 'narrow']],
  ] as const;
  for (const [name, memoryBytes, peerWide, widths] of rows) {
    const { pair } = pairOf(memoryBytes, peerWide);
    t.same(open(pair, 3), widths, name);
  }
  t.end();
});

test('a narrow stream: its SYN says so, and neither side sends more than 8 KiB unread', (t) => {
  const { pair } = pairOf(64 * mib, 0);
  pair.client.user.consumes = false;
  pair.server.user.consumes = false;
  const stream = pair.server.session.open(pair.server.user);
  t.equal(stream?.write(new Uint8Array(100 * kib)), narrowWindowBytes);
  pair.run(1_000);
  t.equal(pair.client.user.received.get(2), narrowWindowBytes);
  const accepted = pair.client.user.streams.get(2);
  t.equal(accepted?.width, 'narrow');
  t.equal(accepted?.write(new Uint8Array(100 * kib)), narrowWindowBytes);
  pair.run(2_000);
  t.equal(pair.server.user.received.get(2), narrowWindowBytes);
  t.equal(stream?.writableBytes, 0);
  accepted?.consume(narrowWindowBytes);
  pair.run(3_000);
  t.equal(stream?.writableBytes, narrowWindowBytes, 'and what was read is granted again');
  t.end();
});

test('a peer that opens more than there is memory for is refused stream by stream, and the link lives', (t) => {
  const memory = new MemoryBudget(streamBytes.wide * 2);
  const pair = new Pair({ client: { memory } });
  for (let n = 0; n < 3; n += 1) pair.server.session.open(pair.server.user);
  pair.run(1_000);
  t.same(
    pair.server.user.events.filter((event) => event.startsWith('reset')),
    ['reset 6 refused'],
  );
  t.equal(memory.refusedStreams, 1);
  pair.server.user.streams.get(2)?.reset(resetCode.done);
  pair.client.session.close(resetCode.cancelled);
  t.equal(memory.reservedBytes, 0);
  t.end();
});

test('while memory is tight, what a reader consumes of a large window is not granted again', (t) => {
  const memory = new MemoryBudget(4 * mib);
  const budget = memory.growthOfLink();
  const { pair, stream, receiver } = sender({ latencyMs: 20, server: { memory, budget } });
  pair.run(1_000);
  const grown = receiver().windowBytes;
  t.ok(grown > initialWindowBytes);
  const others = 4 * mib - memory.reservedBytes;
  memory.retain(others);
  t.ok(memory.isTight);
  pair.run(3_000);
  t.ok(receiver().windowBytes < initialWindowBytes, `${receiver().windowBytes} of ${grown}`);
  t.ok(receiver().windowBytes >= narrowWindowBytes);
  const before = pair.server.user.received.get(1) ?? 0;
  pair.run(4_000);
  t.ok((pair.server.user.received.get(1) ?? 0) > before, 'it goes on, slowly');
  memory.release(others);
  pair.run(6_000);
  t.ok(receiver().windowBytes > initialWindowBytes, 'and grows again when there is room');
  stream.reset(resetCode.cancelled);
  pair.run(7_000);
  t.equal(memory.reservedBytes, 0);
  t.end();
});

const step = fc.record({
  kind: fc.constantFrom('open', 'beside', 'grow', 'close', 'shrink'),
  bytes: fc.nat({ max: 400_000 }),
  index: fc.nat({ max: 50 }),
});

test('whatever is taken and given back in whatever order: never over the limit, and in the end all of it is there', (t) => {
  let refused = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(step, { maxLength: 200, size: 'max' }),
      (limitMib, steps) => {
        const memory = new MemoryBudget(limitMib * mib);
        const growth = memory.growthOfLink();
        const taken: { from: MemoryBudget | WindowBudget; bytes: number }[] = [];
        const take = (from: MemoryBudget | WindowBudget, bytes: number, isGiven: boolean): void => {
          if (isGiven) taken.push({ from, bytes });
        };
        for (const { kind, bytes, index } of steps) {
          const { width } = memory;
          if (kind === 'open') take(memory, streamBytes[width], memory.openStream(width));
          else if (kind === 'beside') take(memory, bytes, memory.openBeside(bytes));
          else if (kind === 'grow') take(growth, bytes, growth.reserve(bytes));
          const [one] = kind === 'close' ? taken.splice(index % Math.max(1, taken.length), 1) : [];
          one?.from.release(one.bytes);
          const some = kind === 'shrink' ? taken[index % Math.max(1, taken.length)] : undefined;
          if (some !== undefined) {
            const part = Math.min(bytes, some.bytes);
            some.bytes -= part;
            some.from.release(part);
          }
          const sum = taken.reduce((total, { bytes: each }) => total + each, 0);
          if (sum !== memory.reservedBytes) throw new Error(`took ${sum}, says ${memory.reservedBytes}`);
          if (sum > memory.limitBytes) throw new Error('over the limit');
        }
        for (const { from, bytes } of taken) from.release(bytes);
        refused += memory.refusedStreams;
        if (memory.reservedBytes + growth.reservedBytes !== 0) throw new Error('something is left');
      },
    ),
  );
  t.ok(refused > 0, `${refused} were refused on the way`);
  t.end();
});
