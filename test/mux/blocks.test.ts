/** What is queued as a copy: the writer's memory is its own again at once, and blocks go round as bytes leave or are dropped. */
import { array, assert, boolean, integer, property, record } from 'fast-check';
import { test } from 'tap';
import { BlockPool } from '../../shared/mux/blocks.ts';
import type { Block } from '../../shared/mux/blocks.ts';
import { SendQueue } from '../../shared/mux/send-queue.ts';

const kib = 1024;

/** Counts those that are out. */
class CountingPool extends BlockPool {
  out = 0;
  most = 0;

  override take(): Block {
    this.out += 1;
    this.most = Math.max(this.most, this.out);
    return super.take();
  }

  override giveBack(block: Block): void {
    this.out -= 1;
    super.giveBack(block);
  }
}

function drain(queue: SendQueue, limitBytes: number): Uint8Array {
  const into = new Uint8Array(limitBytes);
  return into.slice(0, queue.takeInto(into, 0, limitBytes));
}

test('a reader that reads on into the same memory changes nothing of what it has written', (t) => {
  const pool = new CountingPool();
  const queue = new SendQueue(128 * kib);
  const memory = new Uint8Array(48 * kib);
  const expected: Uint8Array[] = [];
  for (const value of [1, 2]) {
    memory.fill(value);
    expected.push(memory.slice());
    t.equal(queue.offer(memory, pool), memory.length);
  }
  memory.fill(9);
  t.ok(Buffer.from(drain(queue, 128 * kib)).equals(Buffer.concat(expected)));
  t.equal(pool.out, 0, 'all blocks are back');
  t.end();
});

test('what waits is held in as many blocks as it fills, and one more', (t) => {
  const pool = new CountingPool();
  const queue = new SendQueue(128 * kib, 16 * 1024 * kib);
  const memory = new Uint8Array(20_000);
  const into = new Uint8Array(16 * kib);
  for (let round = 0; round < 400; round += 1) {
    while (queue.offer(memory, pool) === memory.length);
    queue.takeInto(into, 0, into.length);
  }
  t.ok(pool.most <= 3, `${pool.most} blocks for 128 KiB`);
  queue.clear();
  t.equal(pool.out, 0, 'a stream that is reset gives them back');
  t.end();
});

test('copies and references come out in the order they were offered, however they are mixed', (t) => {
  const writes = array(
    record({
      size: integer({ min: 0, max: 70_000 }),
      copied: boolean(),
      taken: integer({ min: 0, max: 90_000 }),
    }),
    { maxLength: 40 },
  );
  assert(
    property(writes, (steps) => {
      const pool = new CountingPool();
      // Two streams of one program share the blocks.
      const queues = [0, 1].map(() => ({
        queue: new SendQueue(128 * kib, 1024 * 1024 * kib),
        sent: 0,
        got: 0,
      }));
      const shared = new Uint8Array(70_000);
      for (const [i, { size, copied, taken }] of steps.entries()) {
        const side = queues[i % 2]!;
        const memory = copied ? shared.subarray(0, size) : new Uint8Array(size);
        for (let at = 0; at < size; at += 1) memory[at] = side.sent + at;
        side.sent += side.queue.offer(memory, copied ? pool : undefined);
        if (copied) shared.fill(255);
        for (const byte of drain(side.queue, taken)) if (byte !== (side.got++ & 255)) return false;
      }
      for (const side of queues) {
        for (const byte of drain(side.queue, 256 * kib)) if (byte !== (side.got++ & 255)) return false;
        if (side.got !== side.sent) return false;
      }
      return pool.out === 0;
    }),
    { numRuns: 60 },
  );
  t.end();
});
