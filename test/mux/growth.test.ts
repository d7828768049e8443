/** Windows that grow with the round trip, and what keeps them from it: the maximum, the budget, a slow reader, a slow line. */
import { test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import { initialWindowBytes, ReceiveWindow, WindowBudget } from '../../shared/mux/window.ts';
import { Pair } from './pair.ts';
import { kib, mib, sender } from './sender.ts';

test('the window grows with the round trip, to the maximum and no further', (t) => {
  const { pair, receiver } = sender({ latencyMs: 50 });
  pair.run(1_500);
  t.equal(receiver().windowBytes, 16 * mib);
  t.equal(pair.server.session.rttMs, 100);
  const before = pair.server.user.received.get(1) ?? 0;
  pair.run(2_000);
  const bytes = (pair.server.user.received.get(1) ?? 0) - before;
  t.ok(bytes >= 4.5 * 16 * mib, `a whole window in each of five round trips: ${bytes / mib} MiB`);
  t.end();
});

test('a window that may not grow stays: the sender waits for the round trip', (t) => {
  const { pair, receiver } = sender({ latencyMs: 50, server: { maxWindowBytes: 1 } });
  pair.run(2_000);
  t.equal(receiver().windowBytes, initialWindowBytes, 'never under the initial window of the spec');
  t.ok((pair.server.user.received.get(1) ?? 0) <= 21 * initialWindowBytes);
  t.end();
});

test('a maximum that is no power of two is reached exactly', (t) => {
  const { pair, receiver } = sender({ latencyMs: 50, server: { maxWindowBytes: 3_000_000 } });
  pair.run(3_000);
  t.equal(receiver().windowBytes, 3_000_000);
  t.end();
});

test('windows grow within the budget of the link and of the process, and give back what they took', (t) => {
  const shared = new WindowBudget(4 * mib);
  const link = new WindowBudget(mib, shared);
  const { pair, stream, receiver } = sender({ latencyMs: 50, server: { budget: link } });
  pair.run(3_000);
  t.equal(
    receiver().windowBytes,
    mib,
    '256 KiB + 768 KiB: the next step would take three MiB, or one, and neither is there',
  );
  t.equal(link.reservedBytes, 768 * kib);
  t.equal(shared.reservedBytes, 768 * kib);
  stream.reset(resetCode.cancelled);
  pair.run(4_000);
  t.equal(link.reservedBytes, 0);
  t.equal(shared.reservedBytes, 0);
  t.end();
});

test('growth is given back when both sides have ended, and when the link is closed', (t) => {
  const budget = new WindowBudget(64 * mib);
  const first = sender({ latencyMs: 50, server: { budget } });
  first.pair.run(1_000);
  t.ok(budget.reservedBytes > 0);
  first.pair.client.user.react = () => {};
  first.stream.end();
  first.pair.run(2_000);
  t.ok(budget.reservedBytes > 0, 'still half open');
  first.receiver().end();
  first.pair.run(3_000);
  t.equal(budget.reservedBytes, 0);
  const second = sender({ latencyMs: 50, server: { budget } });
  second.pair.run(1_000);
  t.ok(budget.reservedBytes > 0);
  second.pair.server.session.close(resetCode.cancelled);
  t.equal(budget.reservedBytes, 0);
  t.end();
});

test('a full parent refuses, and the child takes nothing then', (t) => {
  const parent = new WindowBudget(100);
  const [one, two] = [new WindowBudget(80, parent), new WindowBudget(80, parent)];
  t.ok(one.reserve(80));
  t.notOk(two.reserve(21));
  t.ok(two.reserve(20));
  t.notOk(one.reserve(1));
  t.same([one.reservedBytes, two.reservedBytes, parent.reservedBytes], [80, 20, 100]);
  one.release(80);
  t.same([one.reservedBytes, parent.reservedBytes], [0, 20]);
  t.throws(() => two.release(21), 'a mistake of the program');
  t.end();
});

test('a slow reader behind a fast line keeps its window small', (t) => {
  const { pair, receiver } = sender({ latencyMs: 5 });
  pair.server.user.consumes = false;
  for (let ms = 100; ms <= 20_000; ms += 100) {
    pair.run(ms);
    // 640 KiB/s: a window takes 400 ms, forty round trips. It consumes long after the bytes came.
    const stream = receiver();
    stream.consume(Math.min(stream.unconsumedBytes, 64 * kib));
  }
  t.equal(receiver().windowBytes, initialWindowBytes);
  t.equal(pair.server.session.rttMs, 10);
  t.end();
});

test('a slow line keeps the window small: what 256 KiB covers needs no more', (t) => {
  // 1 KiB each ms and 20 ms of round trip: 20 KiB under way.
  const pair = new Pair({ latencyMs: 10 });
  pair.listens = false;
  pair.server.user.quiet = true;
  const stream = pair.client.session.open(pair.client.user);
  for (let ms = 1; ms <= 4_000; ms++) {
    stream?.write(new Uint8Array(kib));
    pair.run(ms);
  }
  t.equal(pair.server.user.streams.get(1)?.windowBytes, initialWindowBytes);
  t.end();
});

test('the round trip is asked for only when a window update is due, and again when it is old', (t) => {
  const pair = new Pair({ latencyMs: 5 });
  pair.server.user.quiet = true;
  const stream = pair.client.session.open(pair.client.user);
  const pings = () => pair.server.said.filter((frame) => frame.startsWith('ping SYN')).length;
  const send = (bytes: number) => {
    for (let left = bytes; left > 0; left -= 64 * kib) {
      stream?.write(new Uint8Array(Math.min(left, 64 * kib)));
      pair.run(pair.nowMs + 20);
    }
  };
  send(100 * kib);
  t.equal(pings(), 0, 'small exchanges ask for none');
  send(64 * kib);
  t.equal(pings(), 1);
  t.equal(pair.server.session.rttMs, 10);
  send(4 * mib);
  t.equal(pings(), 1, 'while it is young');
  while (pair.nowMs < 12_000) {
    pair.run(pair.nowMs + 1_000);
    stream?.write(new Uint8Array(1));
  }
  const before = pings();
  send(512 * kib);
  t.equal(pings(), before + 1, 'when it is older than 10 s');
  t.end();
});

test('the first window counts from the first byte, not from when the stream was opened', (t) => {
  const window = new ReceiveWindow(mib, new WindowBudget(mib));
  const pass = (bytes: number, nowMs: number) => {
    t.ok(window.accept(bytes));
    window.tune(nowMs, 100);
    window.deliver(bytes);
    window.consume(bytes);
    window.takeUpdate();
  };
  pass(200_000, 60_000);
  pass(200_000, 60_100);
  t.equal(window.sizeBytes, initialWindowBytes);
  pass(1, 60_200);
  t.equal(window.sizeBytes, 4 * initialWindowBytes);
  pass(800_000, 61_000);
  pass(400_000, 61_100);
  pass(1, 61_201);
  t.equal(window.sizeBytes, 4 * initialWindowBytes, 'in more than two round trips it does not grow');
  t.end();
});

test('one ping for the round trip is under way at a time', (t) => {
  const { pair } = sender({ latencyMs: 2_000 });
  pair.listens = true;
  pair.run(7_900);
  const pings = pair.server.said.filter((frame) => frame.startsWith('ping SYN'));
  const updates = pair.server.said.filter((frame) => frame.startsWith('update'));
  t.equal(pings.length, 1);
  t.ok(updates.length >= 2, `${updates.length} updates`);
  t.end();
});
