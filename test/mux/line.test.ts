/** Two sessions on lines as they are: far, uneven, stalled for a while, dead in the middle. Time is virtual. */
import { test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { initialWindowBytes, WindowBudget } from '../../shared/mux/window.ts';
import { Pair, type PairOptions, type Side } from './pair.ts';

const mib = 2 ** 20;
const chunk = new Uint8Array(65_536);

function fill(stream: MuxStream): void {
  while (stream.write(chunk) === chunk.length);
}

/** Nothing gets through from the second to the twelfth second: what was said then arrives half a second later. */
function stalls(nowMs: number): number {
  return nowMs >= 2_000 && nowMs < 12_000 ? 12_500 - nowMs : 25;
}

/** Streams of the client that write for ever to readers that read at once. */
function bulk(options: PairOptions, count: number): { pair: Pair; streams: MuxStream[] } {
  const pair = new Pair(options);
  pair.listens = false;
  for (const side of [pair.client, pair.server]) side.user.quiet = true;
  pair.client.user.react = (event, stream) => event === 'writable' && fill(stream);
  const streams = Array.from({ length: count }, () => {
    const stream = pair.client.session.open(pair.client.user);
    if (stream === undefined) throw new Error('not opened');
    fill(stream);
    return stream;
  });
  return { pair, streams };
}

function total({ user }: Side): number {
  return [...user.received.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function isNothingLeft(side: Side): boolean {
  const { streamCount, heldBytes, hasOutput } = side.session;
  return streamCount === 0 && heldBytes === 0 && !hasOutput;
}

test('the line dies in the middle: both sides are dead 20 s after their last byte, and every stream hears it once', (t) => {
  for (const dies of ['swallows what is said', 'loses what is under way'] as const) {
    const [mine, theirs] = [new WindowBudget(8 * mib), new WindowBudget(8 * mib)];
    const options = { latencyMs: 40, client: { budget: mine }, server: { budget: theirs } };
    const { pair, streams } = bulk(options, 8);
    const [halfClosed, ended, reset] = streams;
    pair.run(1_000);
    halfClosed?.end();
    pair.server.user.streams.get(ended?.id ?? 0)?.end();
    reset?.reset(resetCode.done);
    pair.run(1_020);
    const late = pair.client.session.open(pair.client.user);
    t.ok(theirs.reservedBytes > 0, 'windows have grown');
    if (dies === 'loses what is under way') pair.cutOff();
    else pair.isDown = true;
    pair.run(30_000);
    for (const side of [pair.client, pair.server]) {
      const deadMs = side.session.nextDeadlineMs;
      t.ok(deadMs > 20_900 && deadMs <= 21_100, `${deadMs} ms`);
      t.equal(side.session.tick(deadMs - 1), 'alive');
      t.equal(side.session.tick(deadMs), 'dead');
      const before = side.user.events.length;
      side.session.close(resetCode.cancelled);
      side.session.close(resetCode.overloaded);
      const told = side.user.events.slice(before);
      t.equal(new Set(told).size, told.length, 'each once');
      t.ok(told.every((event) => /^reset \d+ cancelled$/.test(event)));
      t.ok(isNothingLeft(side));
    }
    const heard = pair.client.user.events.filter((event) => event.startsWith('reset'));
    t.equal(heard.length, 8, 'all but the one that was reset here, the late one too: its SYN had left');
    t.ok(heard.includes(`reset ${late?.id} cancelled`));
    t.same([mine.reservedBytes, theirs.reservedBytes], [0, 0]);
  }
  t.end();
});

test('a line that stalls for less than 20 s loses nothing: what was said arrives, in order, and goes on', (t) => {
  const { pair } = bulk({ latencyMs: stalls, server: { maxWindowBytes: initialWindowBytes } }, 4);
  pair.run(2_500);
  const before = total(pair.server);
  pair.run(12_000);
  t.equal(total(pair.server), before, 'nothing comes while it stalls');
  pair.run(16_000);
  t.ok(total(pair.server) > before + 20 * mib, 'and then it goes on');
  t.same(
    [...pair.client.user.events, ...pair.server.user.events].filter((event) => !event.startsWith('stream')),
    [],
  );
  t.equal(pair.server.session.tick(pair.nowMs), 'alive');
  t.end();
});

test('an uneven line: a round trip between 20 and 400 ms, and every byte in order', (t) => {
  let seed = 7;
  const latencyMs = () => 10 + ((seed = (seed * 48_271) % 2_147_483_647) % 190);
  const pair = new Pair({ latencyMs, cut: (leftBytes) => Math.min(leftBytes, 1 + (seed % 5_000)) });
  pair.listens = false;
  pair.client.user.quiet = true;
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7 + (i >>> 13)) & 0xff);
  const stream = pair.client.session.open(pair.client.user);
  if (stream === undefined) throw new Error('not opened');
  let said = 0;
  const say = () => {
    said += stream.write(bytes.subarray(said));
    if (said === bytes.length) stream.end();
  };
  pair.client.user.react = (event) => event === 'writable' && say();
  const heard: Uint8Array[] = [];
  pair.server.user.onData = (self, part) => {
    heard.push(part.slice());
    self.consume(part.length);
  };
  say();
  pair.run(20_000);
  t.ok(Buffer.concat(heard).equals(bytes));
  t.equal(pair.server.user.events.at(-1), 'end 1');
  t.end();
});

test('each stream`s window grows with the round trip up to 16 MiB, their sum up to the budget and no further', (t) => {
  const rows: [latencyMs: number, count: number, budgetBytes: number, mostBytes: number][] = [
    // A round trip of 2 ms is covered by little: it may grow, and need not.
    [1, 1, 64 * mib, 16 * mib],
    [100, 1, 64 * mib, 16 * mib],
    [100, 3, 8 * mib, 8 * mib + initialWindowBytes],
    [100, 10, 8 * mib, 8 * mib],
    [100, 50, 8 * mib, 8 * mib],
    [100, 10, 0, initialWindowBytes],
  ];
  for (const [latencyMs, count, budgetBytes, mostBytes] of rows) {
    const budget = new WindowBudget(budgetBytes);
    const { pair, streams } = bulk({ latencyMs, server: { budget } }, count);
    pair.run(latencyMs * 28);
    const windows = streams.map(({ id }) => pair.server.user.streams.get(id)?.windowBytes ?? 0);
    const grown = windows.reduce((sum, bytes) => sum + bytes - initialWindowBytes, 0);
    const says = `${count} streams, ${2 * latencyMs} ms: ${(grown / mib).toFixed(1)} MiB`;
    t.equal(budget.reservedBytes, grown, says);
    t.ok(grown <= budgetBytes);
    t.ok(Math.max(...windows) <= mostBytes);
    if (latencyMs === 100 && budgetBytes > 0) {
      const reachable = Math.min(budgetBytes, count * (16 * mib - initialWindowBytes));
      t.ok(grown >= reachable / 2, `most of what may be had is used: ${says}`);
    }
    for (const stream of streams) stream.reset(resetCode.cancelled);
    pair.run(pair.nowMs + 10 * latencyMs);
    t.equal(budget.reservedBytes, 0, 'and all of it given back');
  }
  t.end();
});
