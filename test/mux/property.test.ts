/**
 * Random interleavings of everything either side may do, on a line that cuts and delays at will. Each step holds the bounds; at the
 * end every byte has arrived once and in order, or its stream was reset, and nothing is left.
 * PROPERTY_RUNS=20000 runs longer; a failure prints its seed and path.
 */
import * as fc from 'fast-check';
import { test } from 'tap';
import { goAwayCode, resetCode } from '../../shared/mux/codes.ts';
import { initialWindowBytes, WindowBudget } from '../../shared/mux/window.ts';
import { type End, fail, Peer } from './peers.ts';
import { takeAll } from './wire.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 300);

const side = fc.boolean();
const index = fc.nat({ max: 7 });
const command = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('open' as const), side }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      side,
      index,
      bytes: fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 150_000 })),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('consume' as const),
      side,
      index,
      bytes: fc.nat({ max: 300_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), side, index }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('reset' as const),
      side,
      index,
      code: fc.constantFrom(...Object.values(resetCode)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tick' as const), side, ms: fc.nat({ max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ask' as const), side }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('say' as const),
      side,
      bufferBytes: fc.integer({ min: 16_396, max: 70_000 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('hear' as const),
      side,
      bytes: fc.oneof(fc.nat({ max: 30 }), fc.nat({ max: 200_000 })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('stream' as const),
      side,
      index,
      rounds: fc.nat({ max: 12 }),
      stepMs: fc.nat({ max: 30 }),
    }),
  },
);

type Command = (typeof command extends fc.Arbitrary<infer C> ? C : never) | { kind: 'goAway'; side: boolean };

const commands = fc.array(command, { maxLength: 150, size: 'max' });

class Run {
  readonly process = new WindowBudget(600_000);
  readonly client = new Peer(true, this.process);
  readonly server = new Peer(false, this.process);
  nowMs = 0;

  do(c: Command): void {
    const [me, other] = c.side ? [this.client, this.server] : [this.server, this.client];
    const end =
      'index' in c ? me.ends[me.ends.length - 1 - (c.index % Math.max(1, me.ends.length))] : undefined;
    if (c.kind === 'open') me.open();
    else if (c.kind === 'write') end?.write(c.bytes);
    else if (c.kind === 'consume') end?.consume(c.bytes);
    else if (c.kind === 'end') end?.end();
    else if (c.kind === 'reset') end?.reset(c.code);
    else if (c.kind === 'say') me.say(c.bufferBytes);
    else if (c.kind === 'hear') me.hear(other, c.bytes, this.nowMs);
    else if (c.kind === 'tick') me.session.tick((this.nowMs += c.ms));
    else if (c.kind === 'ask') me.session.ask(this.nowMs);
    else if (c.kind === 'goAway') me.session.goAway(goAwayCode.normal);
    else this.#stream(me, other, end, c.rounds, c.stepMs);
    this.client.check();
    this.server.check();
  }

  #stream(me: Peer, other: Peer, end: End | undefined, rounds: number, stepMs: number): void {
    for (let round = 0; round < rounds; round++) {
      end?.write(100_000);
      me.say(65_536);
      other.hear(me, Infinity, (this.nowMs += stepMs));
      for (const reader of other.ends) reader.consume(Infinity);
      other.say(65_536);
      me.hear(other, Infinity, (this.nowMs += stepMs));
    }
  }
}

test('whatever both sides do: every byte once and in order, every bound kept, nothing left', (t) => {
  let streams = 0;
  let grown = 0;
  let bytes = 0;
  let narrow = 0;
  let shrunk = 0;
  fc.assert(
    fc.property(commands, (sequence) => {
      const run = new Run();
      for (const c of sequence) run.do(c);
      const { client, server, process, nowMs } = run;
      settle(client, server, nowMs);
      if (!client.session.isAnswered || !server.session.isAnswered) fail('a ping was never answered');
      streams += client.ends.length + server.ends.length;
      for (const end of [...client.ends, ...server.ends]) {
        bytes += end.heardBytes;
        if (end.stream.windowBytes > initialWindowBytes) grown++;
        if (end.stream.width === 'narrow') narrow++;
        else if (end.stream.windowBytes < initialWindowBytes) shrunk++;
      }
      if (process.reservedBytes !== 0) fail('the budget is not whole again');
    }),
    { numRuns },
  );
  t.ok(streams > numRuns, `${streams} ends of streams, ${bytes} bytes, ${grown} grown windows`);
  t.ok(bytes > numRuns * 1_000, 'the runs moved something');
  if (numRuns >= 300) t.ok(grown > 0, 'and some windows grew');
  t.ok(narrow > 0 && shrunk > 0, `${narrow} were narrow, ${shrunk} shrank`);
  t.end();
});

const goAway = fc.record({ kind: fc.constant('goAway' as const), side });

test('whoever goes away, and wherever the link is lost: each stream ends or hears one reset, nothing is left', (t) => {
  let resets = 0;
  fc.assert(
    fc.property(commands, goAway, commands, (before, leaving, after) => {
      const run = new Run();
      for (const c of [...before, leaving, ...after]) run.do(c);
      const { client, server, process } = run;
      for (const peer of [client, server]) {
        const open = peer.ends.filter(({ isOver, stream }) => !isOver && !stream.isOver);
        peer.session.close(resetCode.backendReset);
        for (const end of open) {
          const hasLeft = end.heardReset === resetCode.backendReset;
          if (!hasLeft && end.heardReset !== resetCode.refused)
            fail(`stream ${end.stream.id} heard ${end.heardReset}`);
          if (!hasLeft && end.heardBytes > 0) fail('refused, and yet it was answered');
        }
        resets += open.length;
        const { streamCount, heldBytes, hasOutput, nextDeadlineMs } = peer.session;
        const { reservedBytes } = peer.memory;
        if (streamCount + heldBytes + peer.budget.reservedBytes + reservedBytes !== 0)
          fail('something is left');
        if (hasOutput || nextDeadlineMs !== Infinity) fail('it wants something still');
      }
      if (process.reservedBytes !== 0) fail('the budget is not whole again');
    }),
    { numRuns: Math.ceil(numRuns / 2) },
  );
  t.ok(resets > numRuns / 4, `${resets} streams were reset`);
  t.end();
});

/** Lets everything arrive, ends what is open, and looks that nothing is left. */
function settle(client: Peer, server: Peer, startMs: number): void {
  let nowMs = startMs;
  for (let idleRounds = 0; idleRounds < 3;) {
    nowMs += 100;
    for (const peer of [client, server]) {
      for (const end of peer.ends) {
        end.consume(Infinity);
        end.end();
      }
      peer.session.tick(nowMs);
      peer.say(65_536);
    }
    idleRounds = client.line.length + server.line.length === 0 ? idleRounds + 1 : 0;
    client.hear(server, Infinity, nowMs);
    server.hear(client, Infinity, nowMs);
    client.check();
    server.check();
  }
  for (const [peer, other] of [
    [client, server],
    [server, client],
  ] as const) {
    if (peer.session.streamCount !== 0) fail(`${peer.session.streamCount} streams are left`);
    if (peer.session.heldBytes !== 0) fail(`${peer.session.heldBytes} bytes are still held`);
    if (peer.budget.reservedBytes !== 0) fail('the budget is not whole again');
    if (peer.memory.reservedBytes !== 0) fail('the memory is not whole again');
    for (const end of peer.ends) {
      if (end.isOver) continue;
      if (!end.hasHeardEnd) fail(`stream ${end.stream.id} never heard its end`);
      const twin = other.ends.find((candidate) => candidate.stream.id === end.stream.id);
      if (twin?.writtenBytes !== end.heardBytes) fail(`said ${twin?.writtenBytes}, heard ${end.heardBytes}`);
    }
  }
}

function heardBy(peer: Peer): string {
  return peer.ends.map((end) => [end.heardBytes, end.hasHeardEnd, end.heardReset].join()).join(';');
}

test('however the bytes are cut, the same is told and the same is said', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 60 }), (cuts) => {
      const [whole, cut] = [new Peer(false, new WindowBudget(0)), new Peer(false, new WindowBudget(0))];
      const client = new Peer(true, new WindowBudget(0));
      for (let i = 0; i < 4; i++) client.open();
      for (const end of client.ends) end.write(end.stream.id * 300);
      client.ends[1]?.end();
      client.say(65_536);
      client.ends[2]?.reset(resetCode.done);
      client.session.tick(11_000);
      client.say(65_536);
      whole.session.receive(client.line, 0);
      for (let at = 0, i = 0; at < client.line.length; i++) {
        const length = cuts[i % cuts.length] ?? 1;
        cut.session.receive(client.line.subarray(at, at + length), 0);
        at += length;
      }
      if (!takeAll(whole.session).equals(takeAll(cut.session))) fail('says something else');
      if (heardBy(whole) !== heardBy(cut)) fail('heard something else');
    }),
    { numRuns },
  );
  t.end();
});
