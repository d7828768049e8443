/** How long an agent waits before it dials again. */
import { test } from 'tap';
import { Backoff } from '../../agent/connector/backoff.ts';

test('full jitter under a ceiling that doubles from 250 ms to 15 s, and begins anew when told', (t) => {
  const ceilings = [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000];
  for (const random of [0, 0.25, 0.5, 0.999]) {
    const backoff = new Backoff(() => random);
    const delays = () => ceilings.map(() => backoff.nextDelayMs());
    const expected = ceilings.map((ceilingMs) => ceilingMs * random);
    t.same(delays(), expected, `random ${random}`);
    backoff.reset();
    t.same(delays(), expected, 'and again');
  }
  t.end();
});

test('without a random of its own it is jittered all the same', (t) => {
  const delays = new Set(Array.from({ length: 20 }, () => new Backoff().nextDelayMs()));
  t.ok(delays.size > 10);
  t.ok([...delays].every((delayMs) => delayMs >= 0 && delayMs < 250));
  t.end();
});

test('what will be refused again is tried slowly: 15 to 30 s, however often', (t) => {
  for (const random of [0, 0.5, 1]) {
    const backoff = new Backoff(() => random);
    for (let i = 0; i < 3; i++) t.equal(backoff.slowDelayMs(), 15_000 + 15_000 * random);
    t.equal(backoff.nextDelayMs(), 250 * random, 'the ceiling is what it was');
  }
  t.end();
});

test('a time that the proxy asks for: never earlier, at most five minutes, never a loop', (t) => {
  const rows: [askedMs: number, leastMs: number][] = [
    [3_000, 3_000],
    [0, 0],
    [300_000, 300_000],
    [300_001, 300_000],
    [1e12, 300_000],
    [Number.MAX_VALUE, 300_000],
    [Infinity, 300_000],
  ];
  for (const [askedMs, leastMs] of rows) {
    const backoff = new Backoff(() => 0.5);
    t.same(
      [1, 2, 3].map(() => backoff.askedDelayMs(askedMs)),
      [leastMs + 125, leastMs + 250, leastMs + 500],
      `Retry-After of ${askedMs} ms`,
    );
  }
  t.end();
});
