/**
 * Random interleavings of everything either side may do, on a line that cuts and delays at will. Each step holds the bounds; at the
 * end every byte has arrived once and in order, or its stream was reset, and nothing is left.
 * PROPERTY_RUNS=20000 runs longer; a failure prints its seed and path.
 */
import * as fc from 'fast-check';
import { test } from 'tap';
import { resetCode, type ResetCode } from '../../shared/mux/codes.ts';
import { MuxSession, type SessionHandler } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { StreamHandler } from '../../shared/mux/stream-handler.ts';
import { initialWindowBytes, WindowBudget } from '../../shared/mux/window.ts';
import { takeAll } from './wire.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 300);
const maxQueuedBytes = 100_000;
const maxWindowBytes = 600_000;

/** The nth byte of what one direction of a stream says: so a lost, doubled or swapped byte shows. */
function patternAt(id: number, isClient: boolean, n: number): number {
  return (n * 7 + (n >>> 8) + id * 13 + (isClient ? 101 : 0)) & 0xff;
}

function fail(says: string): never {
  throw new Error(says);
}

/** One end of one stream, with what it has said, heard and owes. */
class End implements StreamHandler {
  readonly stream: MuxStream;
  readonly isClient: boolean;
  writtenBytes = 0;
  heardBytes = 0;
  unconsumedBytes = 0;
  hasEnded = false;
  hasHeardEnd = false;
  hasReset = false;
  heardReset: ResetCode | undefined = undefined;
  wasCutShort = false;

  constructor(stream: MuxStream, isClient: boolean) {
    this.stream = stream;
    this.isClient = isClient;
  }

  write(bytes: number): void {
    if (this.hasEnded) return;
    const chunk = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i++)
      chunk[i] = patternAt(this.stream.id, this.isClient, this.writtenBytes + i);
    const couldTake = this.stream.writableBytes;
    const taken = this.stream.write(chunk);
    if (taken !== Math.min(couldTake, bytes))
      fail(`writable said ${couldTake}, write of ${bytes} took ${taken}`);
    if (taken < bytes && !this.isOver) this.wasCutShort = true;
    this.writtenBytes += taken;
  }

  get isOver(): boolean {
    return this.hasReset || this.heardReset !== undefined;
  }

  consume(bytes: number): void {
    const some = Math.min(bytes, this.unconsumedBytes);
    this.unconsumedBytes -= some;
    this.stream.consume(some);
  }

  end(): void {
    this.hasEnded = true;
    this.stream.end();
  }

  reset(code: ResetCode): void {
    if (!this.stream.isOver) this.hasReset = true;
    this.stream.reset(code);
  }

  onData(stream: MuxStream, bytes: Uint8Array): void {
    if (stream !== this.stream || this.isOver || this.hasHeardEnd) fail('data for a stream that is over');
    if (bytes.length === 0) fail('empty data');
    for (const byte of bytes) {
      if (byte !== patternAt(stream.id, !this.isClient, this.heardBytes))
        fail(`byte ${this.heardBytes} is wrong`);
      this.heardBytes++;
    }
    this.unconsumedBytes += bytes.length;
    if (this.unconsumedBytes !== stream.unconsumedBytes) fail('unconsumed bytes are counted wrongly');
    if (this.unconsumedBytes > maxWindowBytes) fail('more held than any window');
  }

  onEnd(): void {
    if (this.hasHeardEnd || this.isOver) fail('end of a stream that is over');
    this.hasHeardEnd = true;
  }

  onReset(_: MuxStream, code: ResetCode): void {
    if (this.isOver) fail('reset of a stream that is over');
    this.heardReset = code;
  }

  onWritable(stream: MuxStream): void {
    if (!this.wasCutShort || this.isOver || this.hasEnded) fail('onWritable that nobody waits for');
    if (stream.writableBytes === 0) fail('onWritable without room');
    this.wasCutShort = false;
  }
}

class Peer implements SessionHandler {
  readonly isClient: boolean;
  readonly session: MuxSession;
  readonly ends: End[] = [];
  readonly budget: WindowBudget;
  isAnnounced = false;
  /** Said and not yet arrived. */
  line: Uint8Array = new Uint8Array(0);

  constructor(isClient: boolean, process: WindowBudget) {
    this.isClient = isClient;
    this.budget = new WindowBudget(400_000, process);
    this.session = new MuxSession({
      role: isClient ? 'client' : 'server',
      handler: this,
      nowMs: 0,
      random: () => 0.5,
      maxQueuedBytes,
      maxWindowBytes,
      maxInboundStreams: 6,
      maxOutboundStreams: 6,
      budget: this.budget,
    });
  }

  open(): void {
    const placeholder: StreamHandler = { onData() {}, onEnd() {}, onReset() {}, onWritable() {} };
    const stream = this.session.open(placeholder);
    if (stream !== undefined) this.#adopt(stream);
  }

  onStream(stream: MuxStream): void {
    this.#adopt(stream);
  }

  #adopt(stream: MuxStream): void {
    const end = new End(stream, this.isClient);
    stream.handler = end;
    this.ends.push(end);
  }

  onOutput(): void {
    if (this.isAnnounced) fail('onOutput twice');
    this.isAnnounced = true;
  }

  onGoAway(): void {}

  onIdsLow(): void {
    fail('ids are not low');
  }

  say(bufferBytes: number): void {
    if (this.session.hasOutput && !this.isAnnounced) fail('output that nobody was told of');
    const bytes = takeAll(this.session, bufferBytes);
    this.isAnnounced = false;
    if (bytes.length > 0) this.line = Buffer.concat([this.line, bytes]);
    if (this.session.hasOutput) fail('takeOutput returned 0 and there is output');
  }

  hear(other: Peer, bytes: number, nowMs: number): void {
    const some = other.line.subarray(0, bytes);
    other.line = other.line.subarray(some.length);
    this.session.receive(some, nowMs);
  }

  check(): void {
    let held = 0;
    for (const { stream } of this.ends) {
      if (stream.queuedBytes > maxQueuedBytes) fail('more queued than the bound');
      if (stream.writableBytes < 0) fail('negative room');
      if (!stream.isOver) held += stream.queuedBytes + stream.unconsumedBytes;
    }
    if (held !== this.session.heldBytes) fail(`holds ${held}, says ${this.session.heldBytes}`);
    if (this.session.streamCount > 12) fail('more streams than the bound');
    if (this.budget.reservedBytes > this.budget.limitBytes) fail('over the budget');
  }
}

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

test('whatever both sides do: every byte once and in order, every bound kept, nothing left', (t) => {
  let streams = 0;
  let grown = 0;
  let bytes = 0;
  fc.assert(
    fc.property(fc.array(command, { maxLength: 150, size: 'max' }), (commands) => {
      const process = new WindowBudget(600_000);
      const [client, server] = [new Peer(true, process), new Peer(false, process)];
      let nowMs = 0;
      for (const c of commands) {
        const [me, other] = c.side ? [client, server] : [server, client];
        const end =
          'index' in c ? me.ends[me.ends.length - 1 - (c.index % Math.max(1, me.ends.length))] : undefined;
        if (c.kind === 'open') me.open();
        else if (c.kind === 'write') end?.write(c.bytes);
        else if (c.kind === 'consume') end?.consume(c.bytes);
        else if (c.kind === 'end') end?.end();
        else if (c.kind === 'reset') end?.reset(c.code);
        else if (c.kind === 'say') me.say(c.bufferBytes);
        else if (c.kind === 'hear') me.hear(other, c.bytes, nowMs);
        else if (c.kind === 'tick') me.session.tick((nowMs += c.ms));
        else {
          for (let round = 0; round < c.rounds; round++) {
            end?.write(100_000);
            me.say(65_536);
            other.hear(me, Infinity, (nowMs += c.stepMs));
            for (const reader of other.ends) reader.consume(Infinity);
            other.say(65_536);
            me.hear(other, Infinity, (nowMs += c.stepMs));
          }
        }
        client.check();
        server.check();
      }
      settle(client, server, nowMs);
      streams += client.ends.length + server.ends.length;
      for (const end of [...client.ends, ...server.ends]) {
        bytes += end.heardBytes;
        if (end.stream.windowBytes > initialWindowBytes) grown++;
      }
      if (process.reservedBytes !== 0) fail('the budget is not whole again');
    }),
    { numRuns },
  );
  t.ok(streams > numRuns, `${streams} ends of streams, ${bytes} bytes, ${grown} grown windows`);
  t.ok(bytes > numRuns * 1_000, 'the runs moved something');
  if (numRuns >= 300) t.ok(grown > 0, 'and some windows grew');
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
    for (const end of peer.ends) {
      if (end.isOver) continue;
      if (!end.hasHeardEnd) fail(`stream ${end.stream.id} never heard its end`);
      const twin = other.ends.find((candidate) => candidate.stream.id === end.stream.id);
      if (twin?.writtenBytes !== end.heardBytes) fail(`said ${twin?.writtenBytes}, heard ${end.heardBytes}`);
    }
  }
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
      const heard = (peer: Peer) =>
        peer.ends.map((end) => [end.heardBytes, end.hasHeardEnd, end.heardReset].join());
      if (heard(whole).join(';') !== heard(cut).join(';')) fail('heard something else');
    }),
    { numRuns },
  );
  t.end();
});
