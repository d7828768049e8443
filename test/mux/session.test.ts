/** Two sessions on a line: opening, half-closing, resetting, going away, closing. */
import { test } from 'tap';
import { goAwayCode, resetCode } from '../../shared/mux/codes.ts';
import { MuxSession } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { Pair } from './pair.ts';
import { Recorder } from './recorder.ts';
import { bytesOf, dataFrame, framesOf, takeAll } from './wire.ts';

const hello = Buffer.from('hello');
const hex = hello.toString('hex');

function open(pair: Pair): MuxStream {
  const stream = pair.client.session.open(pair.client.user);
  if (stream === undefined) throw new Error('not opened');
  return stream;
}

function inbound(pair: Pair, id = 1): MuxStream {
  const stream = pair.server.user.streams.get(id);
  if (stream === undefined) throw new Error(`stream ${id} did not arrive`);
  return stream;
}

test('a half-close stays one: each side ends when it has said all, whichever is first', (t) => {
  const pair = new Pair({ latencyMs: 10 });
  const stream = open(pair);
  stream.write(hello);
  stream.end();
  pair.run(15);
  const other = inbound(pair);
  t.same(pair.server.user.events, ['stream 1', `data 1 ${hex}`, 'end 1']);
  t.ok(other.endReceived && !other.isOver);
  other.write(hello);
  pair.run(30);
  t.same(pair.client.user.events, [`data 1 ${hex}`], 'data goes on in the other direction');
  t.equal(pair.client.session.streamCount, 1);
  other.end();
  pair.run(50);
  t.same(pair.client.user.events, [`data 1 ${hex}`, 'end 1']);
  t.ok(stream.isOver && other.isOver);
  t.equal(pair.client.session.streamCount + pair.server.session.streamCount, 0);
  t.same(pair.client.said, ['data SYN+FIN 1 5']);
  t.same(pair.server.said, ['data ACK 1 5', 'update FIN 1 0']);
  t.end();
});

test('FIN goes behind everything that was written before it', (t) => {
  const pair = new Pair();
  const stream = open(pair);
  stream.write(new Uint8Array(40_000));
  stream.end();
  stream.end();
  t.equal(stream.endSent, false);
  t.equal(stream.writableBytes, 0);
  t.throws(() => stream.write(hello), { message: 'write after end of a stream' });
  pair.run();
  t.same(pair.client.said, ['data SYN 1 16384', 'data 1 16384', 'data FIN 1 7232']);
  t.equal(stream.endSent, true);
  t.end();
});

test('every reset code arrives as it was said, and nothing is called on either side after it', (t) => {
  for (const [name, code] of Object.entries(resetCode)) {
    const pair = new Pair({ cut: () => 1 });
    const stream = open(pair);
    stream.write(hello);
    pair.run();
    inbound(pair).write(hello);
    inbound(pair).reset(code);
    inbound(pair).reset(resetCode.cancelled);
    t.equal(inbound(pair).write(hello), 0, 'a reset stream takes nothing');
    inbound(pair).end();
    inbound(pair).consume(1_000);
    pair.run();
    t.same(pair.client.user.events, [`reset 1 ${name}`]);
    t.equal(
      stream.write(hello),
      0,
      'the peer may reset at any time: a write takes nothing and throws nothing',
    );
    t.equal(stream.writableBytes, 0);
    stream.end();
    stream.reset(resetCode.done);
    stream.consume(5);
    pair.run();
    t.same(pair.server.user.events, ['stream 1', `data 1 ${hex}`]);
    t.same(pair.server.said, [`update RST 1 ${code}`]);
    t.equal(pair.client.session.streamCount + pair.server.session.streamCount, 0);
    t.equal(pair.client.session.heldBytes + pair.server.session.heldBytes, 0);
  }
  t.end();
});

test('reset in the middle of a frame: the rest of its payload is skipped', (t) => {
  const user = new Recorder();
  const session = new MuxSession({ role: 'server', nowMs: 0, handler: user });
  user.react = (event, stream) => event === 'data' && stream.reset(resetCode.overloaded);
  const frames = Buffer.concat([dataFrame(1, 1, Buffer.alloc(100, 1)), dataFrame(1, 3, hello)]);
  session.receive(frames.subarray(0, 22), 0);
  session.receive(frames.subarray(22), 0);
  t.same(user.events, ['stream 1', `data 1 ${'01'.repeat(10)}`, 'stream 3', `data 3 ${hex}`]);
  t.same(framesOf(takeAll(session)), ['update RST 1 7', 'update RST 3 7']);
  t.end();
});

test('close in the middle of receive: every stream hears it, nothing else is called, nothing goes out', (t) => {
  const user = new Recorder();
  const session = new MuxSession({ role: 'server', nowMs: 0, handler: user });
  user.react = (event) => {
    if (event === 'data') session.close(resetCode.backendReset);
    if (event === 'reset') session.close(resetCode.done);
  };
  session.receive(
    Buffer.concat([bytesOf('00 01 0001 00000003 00000000'), dataFrame(5, 1, hello), dataFrame(1, 5, hello)]),
    0,
  );
  t.same(user.events, [
    'stream 3',
    'stream 1',
    `data 1 ${hex}`,
    'reset 3 backendReset',
    'reset 1 backendReset',
  ]);
  session.goAway(goAwayCode.normal);
  session.receive(dataFrame(1, 7, hello), 0);
  t.equal(takeAll(session).length, 0);
  t.equal(session.open(user), undefined);
  t.equal(session.tick(1), 'dead');
  t.equal(session.nextDeadlineMs, Infinity);
  t.same([session.streamCount, session.heldBytes, session.hasOutput], [0, 0, false]);
  t.equal(user.events.length, 5);
  t.end();
});

test('onReset may open, reset and write: what it opens while closing is refused it', (t) => {
  const pair = new Pair();
  const first = open(pair);
  const second = open(pair);
  pair.client.user.react = () => {
    t.equal(pair.client.session.open(pair.client.user), undefined);
    t.equal(first.write(hello), 0);
    second.reset(resetCode.done);
  };
  pair.client.session.close(resetCode.cancelled);
  t.same(
    pair.client.user.events,
    ['reset 1 refused'],
    'the second was reset by its user, so it is told nothing',
  );
  t.equal(pair.client.session.streamCount, 0);
  t.end();
});

test('the link is lost: what never left hears that it is safe to try elsewhere, what left does not', (t) => {
  const pair = new Pair();
  open(pair).write(hello);
  pair.run();
  open(pair).write(hello);
  open(pair);
  pair.client.session.close(resetCode.cancelled);
  t.same(pair.client.user.events, ['reset 1 cancelled', 'reset 3 refused', 'reset 5 refused']);
  pair.server.session.close(resetCode.cancelled);
  t.equal(
    pair.server.user.events.at(-1),
    'reset 1 cancelled',
    'an inbound stream was announced by its opener',
  );
  t.end();
});

test('GoAway: what is alive finishes, what is new is refused, both sides know', (t) => {
  const pair = new Pair({ latencyMs: 10 });
  const stream = open(pair);
  stream.write(hello);
  pair.run(10);
  pair.server.session.goAway(goAwayCode.normal);
  const late = open(pair);
  late.write(hello);
  pair.run(40);
  t.same(
    pair.client.user.events,
    ['goaway 0', 'reset 3 refused'],
    'a SYN that crossed the GoAway is safe to try elsewhere',
  );
  t.same([pair.server.session.goingAway, pair.server.session.peerGoingAway], [true, false]);
  t.same([pair.client.session.goingAway, pair.client.session.peerGoingAway], [false, true]);
  t.equal(pair.client.session.open(pair.client.user), undefined);
  const own = pair.server.session.open(pair.server.user);
  t.ok(own, 'who said it may still open');
  own?.reset(resetCode.cancelled);
  inbound(pair).write(hello);
  inbound(pair).end();
  stream.end();
  pair.run(100);
  t.same(pair.client.user.events.slice(2), [`data 1 ${hex}`, 'end 1']);
  t.equal(pair.client.session.streamCount + pair.server.session.streamCount, 0);
  t.end();
});

test('a reset tells how much of what was written never left', (t) => {
  const pair = new Pair();
  const stream = open(pair);
  stream.write(hello);
  pair.run();
  const other = inbound(pair);
  other.write(new Uint8Array(20_000));
  takeOne(pair);
  stream.reset(resetCode.done);
  pair.server.session.receive(takeAll(pair.client.session), 0);
  t.equal(other.droppedBytes, 3_616);
  t.same([other.queuedBytes, stream.droppedBytes], [0, 0]);
  t.end();
});

/** One frame of the server's. */
function takeOne(pair: Pair): void {
  pair.server.session.takeOutput(new Uint8Array(16_396));
}

test('a handler that resets when there is room hears no end that the same frame brings', (t) => {
  const user = new Recorder();
  const session = new MuxSession({ role: 'client', nowMs: 0, handler: user, maxQueuedBytes: 2 ** 20 });
  session.open(user)?.write(new Uint8Array(300_000));
  takeAll(session);
  user.react = (event, stream) => event === 'writable' && stream.reset(resetCode.cancelled);
  session.receive(bytesOf('00 01 0006 00000001 00000100'), 0);
  t.same(user.events, ['writable 1']);
  t.same(framesOf(takeAll(session)), ['update RST 1 0']);
  t.end();
});
