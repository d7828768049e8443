/** How often keys may come: exactly so often, told when again, and kept in so much memory whoever comes. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'tap';
import * as fc from 'fast-check';
import { RateTable } from '../../proxy/access/rate-table.ts';

/** What is in use, without what only waits to be collected. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  return process.memoryUsage().heapUsed;
}

test('so many at once, and then one after the other in their time', (t) => {
  const table = new RateTable();
  for (let count = 0; count < 5; count += 1) t.equal(table.take('a', 5, 1_000), 0);
  t.equal(table.take('a', 5, 1_000), 200);
  t.equal(table.take('b', 5, 1_000), 0, 'another key counts by itself');
  t.equal(table.take('a', 5, 1_150), 50);
  t.equal(table.take('a', 5, 1_200), 0, 'when it was told');
  t.equal(table.take('a', 5, 1_200), 200);
  for (let count = 0; count < 5; count += 1)
    t.equal(table.take('a', 5, 9_000), 0, 'after a silence all of it again');
  t.equal(table.take('a', 5, 9_000), 200, 'and no more than that');
  t.equal(table.take('once', 1, 0), 0);
  t.equal(table.take('once', 1, 1), 999);
  t.end();
});

test('whenever they come: never more than the rate and one burst, and the wait that is told is the right one', (t) => {
  const way = fc.record({
    perSecond: fc.integer({ min: 1, max: 300 }),
    gapsMs: fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { minLength: 1, maxLength: 300 }),
  });
  fc.assert(
    fc.property(way, ({ perSecond, gapsMs }) => {
      const table = new RateTable();
      let nowMs = 1e9;
      const taken: number[] = [];
      for (const gapMs of gapsMs) {
        nowMs += gapMs;
        const waitMs = table.take('a', perSecond, nowMs);
        if (waitMs === 0) taken.push(nowMs);
        else t.ok(waitMs <= 1_000 / perSecond + 1e-3, `never longer than one interval: ${waitMs}`);
      }
      for (const [from, sinceMs] of taken.entries()) {
        for (const [to, untilMs] of taken.entries()) {
          if (to < from) continue;
          const most = perSecond + ((untilMs - sinceMs) / 1_000) * perSecond + 1e-3;
          if (to - from + 1 > most) t.fail(`${to - from + 1} in ${untilMs - sinceMs} ms at ${perSecond}`);
        }
      }
    }),
    { numRuns: 60 },
  );
  t.end();
});

test('a refused one is not counted: whoever waits as told gets in, however often it asked meanwhile', (t) => {
  const table = new RateTable();
  for (let count = 0; count < 2; count += 1) table.take('a', 2, 0);
  const waitMs = table.take('a', 2, 0);
  for (let count = 0; count < 1_000; count += 1) t.ok(table.take('a', 2, count / 10) > 0);
  t.equal(table.take('a', 2, waitMs), 0);
  t.end();
});

test('what owes nothing any more goes away, and nothing else does', (t) => {
  const table = new RateTable();
  for (let index = 0; index < 1_000; index += 1) table.take(`k${index}`, 1, 0);
  t.equal(table.size, 1_000);
  table.take('one', 1, 999);
  t.ok(table.take('k7', 1, 999) > 0, 'it owes still');
  table.take('one', 1, 2_100);
  table.take('one', 1, 3_200);
  t.equal(table.size, 2, 'one, in both generations');
  t.end();
});

/** What one request costs, with so many keys in turn. */
function nsWith(count: number): number {
  const table = new RateTable();
  const keys = Array.from({ length: count }, (_, index) => `192.0.2.${index}`);
  const beganMs = performance.now();
  for (let index = 0; index < 100_000; index += 1) {
    table.take(keys[(index * 7_919) % count] ?? '', 1, index / 1_000);
  }
  return (performance.now() - beganMs) * 10;
}

test('with many keys one request costs no more than with few', (t) => {
  nsWith(100);
  const ns = nsWith(40_000);
  t.comment(`${Math.round(ns)} ns`);
  t.ok(ns < 5_000, `${Math.round(ns)} ns a request`);
  t.end();
});

test('a million addresses in one second: no more are kept than fit, and who still comes is still limited', (t) => {
  const max = 50_000;
  const table = new RateTable();
  t.equal(table.take('busy', 1, 0), 0);
  let letIn = 0;
  const before = heapBytes();
  for (let index = 0; index < 1_000_000; index += 1) {
    const nowMs = index / 1_000;
    table.take(`2001:db8:${(index >> 16).toString(16)}:${(index & 0xffff).toString(16)}::/64`, 1, nowMs);
    // A key that comes all the time is never the longest silent: it is refused and stays.
    if (index % 10_000 === 0 && table.take('steady', 1, nowMs) === 0) letIn += 1;
  }
  const grownBytes = heapBytes() - before;
  t.ok(table.size <= max, `${table.size} are kept`);
  t.ok(grownBytes < 20 * 2 ** 20, 'and so many bytes are so many');
  t.comment(`${(grownBytes / 2 ** 20).toFixed(1)} MiB after a million addresses`);
  t.equal(letIn, 1, 'once in the second, though a million came between');
  t.end();
});
