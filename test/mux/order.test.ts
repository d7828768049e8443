/** What goes out first: control before data, streams in turn, ACKs that wait for a ride, frames that fit the buffer. */
import { test } from 'tap';
import { goAwayCode, resetCode } from '../../shared/mux/codes.ts';
import { MuxSession } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { Pair } from './pair.ts';
import { Recorder } from './recorder.ts';
import { bytesOf, dataFrame, framesOf, header, takeAll } from './wire.ts';

const hello = Buffer.from('hello');

function sessionOf(role: 'client' | 'server', user = new Recorder()): MuxSession {
  return new MuxSession({ role, nowMs: 0, handler: user });
}

function open(session: MuxSession, user = new Recorder()): MuxStream {
  const stream = session.open(user);
  if (stream === undefined) throw new Error('not opened');
  return stream;
}

function take(session: MuxSession, bufferBytes: number): string[] {
  const into = new Uint8Array(bufferBytes);
  return framesOf(into.subarray(0, session.takeOutput(into)));
}

test('a stream with 1 GiB to say holds a small one up for one frame at most', (t) => {
  const user = new Recorder();
  user.quiet = true;
  const session = sessionOf('client', user);
  const chunk = new Uint8Array(65_536);
  let left = 2 ** 30;
  const bulk = open(session, user);
  const fill = () => {
    while (left > 0) {
      const taken = bulk.write(left < chunk.length ? chunk.subarray(0, left) : chunk);
      left -= taken;
      if (taken === 0) return;
    }
  };
  user.react = (event) => event === 'writable' && fill();
  fill();
  session.receive(new Uint8Array(0), 0);
  take(session, 16_396);
  session.receive(bytesOf('00 01 0000 00000001 7fffffff'), 0);
  for (let round = 0; round < 100; round++) {
    const small = open(session, user);
    small.write(hello);
    small.end();
    const frames = [...take(session, 16_396), ...take(session, 16_396)];
    t.same(frames.length, 3, 'one bulk frame, the small one, and what fits of the next');
    t.ok(frames.slice(0, 2).includes(`data SYN+FIN ${small.id} 5`), frames.join(', '));
  }
  t.ok(bulk.queuedBytes > 0 && left > 2 ** 29);
  t.end();
});

/** Four whole frames of a stream, the first of which opens it. */
function turn(id: number): string[] {
  return [`data SYN ${id} 16384`, ...Array.from({ length: 3 }, () => `data ${id} 16384`)];
}

test('streams take turns of 64 KiB, in the order they came', (t) => {
  const session = sessionOf('client');
  for (let i = 0; i < 3; i++) open(session).write(new Uint8Array(80_000));
  const small = open(session);
  small.write(hello);
  t.same(framesOf(takeAll(session, 1_000_000)), [
    ...turn(1),
    ...turn(3),
    ...turn(5),
    'data SYN 7 5',
    'data 1 14464',
    'data 3 14464',
    'data 5 14464',
  ]);
  t.end();
});

test('a turn ends with the output: what is left of it is not kept', (t) => {
  const session = sessionOf('client');
  for (let i = 0; i < 2; i++) open(session).write(new Uint8Array(80_000));
  t.same(framesOf(takeAll(session, 2 * 16_396 + 500)), [
    'data SYN 1 16384',
    'data 1 16384',
    'data SYN 3 16384',
    'data 3 16384',
    'data 1 16384',
    'data 1 16384',
    'data 3 16384',
    'data 3 16384',
    'data 1 14464',
    'data 3 14464',
  ]);
  t.end();
});

test('control goes first: GoAway, ping, answers, resets and window updates, then data', (t) => {
  const user = new Recorder();
  user.consumes = false;
  const session = new MuxSession({
    role: 'server',
    nowMs: 0,
    handler: user,
    maxInboundStreams: 3,
    pingAfterMs: 10,
    ackDelayMs: 1_000,
  });
  session.receive(dataFrame(1, 1, hello), 0);
  session.receive(dataFrame(1, 3, Buffer.alloc(150_000)), 0);
  session.receive(dataFrame(1, 5, hello), 0);
  user.streams.get(1)?.write(new Uint8Array(20_000));
  session.receive(dataFrame(1, 7, hello), 0);
  session.receive(header(2, 1, 0, 99), 0);
  session.tick(15);
  user.streams.get(3)?.consume(150_000);
  user.streams.get(5)?.reset(resetCode.overloaded);
  session.goAway(goAwayCode.normal);
  t.same(framesOf(takeAll(session)), [
    'goaway 0',
    'ping SYN 1',
    'ping ACK 99',
    'update RST 7 2',
    'update ACK 3 150000',
    'update RST 5 7',
    'data ACK 1 16384',
    'data 1 3616',
  ]);
  t.end();
});

test('an ACK waits 200 ms for a frame to ride on, then goes alone', (t) => {
  const pair = new Pair();
  open(pair.client.session, pair.client.user).write(hello);
  open(pair.client.session, pair.client.user).write(hello);
  pair.run(100);
  pair.server.user.streams.get(3)?.write(hello);
  pair.run(199);
  t.same(pair.server.said, ['data ACK 3 5']);
  t.equal(pair.server.session.nextDeadlineMs, 200);
  pair.run(200);
  t.same(pair.server.said, ['data ACK 3 5', 'update ACK 1 5']);
  pair.run(5_000);
  t.equal(pair.server.said.length, 2, 'once');
  pair.server.user.streams.get(1)?.write(hello);
  pair.run();
  t.equal(pair.server.said[2], 'data 1 5', 'and no second one on the data');
  t.end();
});

test('64 streams that wait for their ACK get it at once: a hashicorp opener never stalls', (t) => {
  const user = new Recorder();
  const session = sessionOf('server', user);
  for (let i = 0; i < 63; i++) session.receive(header(1, 1, i * 2 + 1, 0), 0);
  t.same(takeAll(session).length, 0);
  session.receive(header(1, 1, 127, 0), 0);
  const frames = framesOf(takeAll(session));
  t.equal(frames.length, 64);
  t.same([frames[0], frames[63]], ['update ACK 1 0', 'update ACK 127 0']);
  session.tick(1_000);
  t.equal(takeAll(session).length, 0);
  t.end();
});

test('a stream reset or answered before its ACK was due owes none', (t) => {
  const user = new Recorder();
  const session = sessionOf('server', user);
  session.receive(Buffer.concat([header(1, 1, 1, 0), header(1, 1, 3, 0), header(1, 1, 5, 0)]), 0);
  user.streams.get(1)?.reset(resetCode.overloaded);
  user.streams.get(3)?.write(hello);
  session.receive(header(1, 8, 5, 0), 0);
  t.same(framesOf(takeAll(session)), ['update RST 1 7', 'data ACK 3 5']);
  session.tick(1_000);
  t.equal(takeAll(session).length, 0);
  t.equal(session.streamCount, 1);
  t.end();
});

test('onOutput is called once until takeOutput has returned 0', (t) => {
  const user = new Recorder();
  const session = sessionOf('client', user);
  const into = new Uint8Array(65_536);
  t.notOk(session.hasOutput);
  const stream = open(session, user);
  stream.write(hello);
  open(session, user);
  t.equal(user.outputCalls, 1);
  t.ok(session.hasOutput);
  session.takeOutput(into);
  t.notOk(session.hasOutput);
  stream.write(hello);
  t.equal(user.outputCalls, 1, 'the taker is still at it');
  t.ok(session.takeOutput(into) > 0);
  t.equal(session.takeOutput(into), 0);
  stream.write(hello);
  t.equal(user.outputCalls, 2);
  t.end();
});

test('onOutput is called for an answer, a tick, a reset and a GoAway as well', (t) => {
  const user = new Recorder();
  const session = new MuxSession({ role: 'server', nowMs: 0, handler: user, pingAfterMs: 10_000 });
  const expectOne = (says: string, action: () => void) => {
    takeAll(session);
    user.outputCalls = 0;
    action();
    t.equal(user.outputCalls, 1, says);
  };
  expectOne('a ping', () => session.receive(header(2, 1, 0, 1), 0));
  session.receive(header(1, 1, 1, 0), 0);
  expectOne('a delayed ACK', () => session.tick(200));
  expectOne('silence', () => session.tick(12_000));
  expectOne('a reset', () => user.streams.get(1)?.reset(resetCode.cancelled));
  expectOne('GoAway', () => session.goAway(goAwayCode.normal));
  expectOne('a violation', () => t.throws(() => session.receive(header(9, 0, 0, 0), 0)));
  t.end();
});

test('whole frames only, whatever the buffer: control that does not fit waits', (t) => {
  const session = sessionOf('server');
  for (let i = 0; i < 1_024; i++) session.receive(header(2, 1, 0, i), 0);
  for (let i = 0; i < 1_000; i++) session.receive(header(1, 1, i * 2 + 1, 0), 0);
  session.tick(200);
  const frames: string[] = [];
  for (;;) {
    const some = take(session, 16_396 + 5);
    if (some.length === 0) break;
    frames.push(...some);
  }
  t.equal(frames.length, 2_024);
  t.same(
    frames.slice(0, 1_024),
    Array.from({ length: 1_024 }, (_, i) => `ping ACK ${i}`),
  );
  t.end();
});

test('a data frame is cut to what is left of the buffer, but not into crumbs', (t) => {
  const session = sessionOf('client');
  open(session).write(new Uint8Array(100_000));
  t.same(take(session, 2 * 16_396 + 12 + 1_024), ['data SYN 1 16384', 'data 1 16384', 'data 1 1024']);
  t.same(take(session, 16_396 + 12 + 1_023), ['data 1 16384'], 'the rest is no place for a frame');
  open(session).write(hello);
  t.same(take(session, 16_396 + 17), ['data 1 16384', 'data SYN 3 5'], 'but a small whole frame fits');
  t.end();
});

test('what is written while output is taken goes out in the same turn', (t) => {
  const user = new Recorder();
  const session = new MuxSession({ role: 'client', nowMs: 0, handler: user, maxQueuedBytes: 16_384 });
  const stream = open(session, user);
  let written = stream.write(new Uint8Array(20_000));
  user.react = (event) => {
    if (event === 'writable' && written < 60_000) written += stream.write(new Uint8Array(60_000 - written));
  };
  t.same(take(session, 65_536), ['data SYN 1 16384', 'data 1 16384', 'data 1 16384', 'data 1 10848']);
  t.end();
});

test('a handler that resets or closes while output is taken harms nobody', (t) => {
  const user = new Recorder();
  const session = new MuxSession({ role: 'client', nowMs: 0, handler: user, maxQueuedBytes: 16_384 });
  const [first, second] = [open(session, user), open(session, user)];
  first.write(new Uint8Array(20_000));
  second.write(hello);
  user.react = (event) => {
    if (event !== 'writable') return;
    second.reset(resetCode.cancelled);
    first.reset(resetCode.cancelled);
  };
  t.same(take(session, 65_536), ['data SYN 1 16384'], 'the second had not left: nothing is said of it');
  t.same(take(session, 65_536), ['update RST 1 0']);
  const third = open(session, user);
  third.write(new Uint8Array(20_000));
  user.react = (event) => event === 'writable' && session.close(resetCode.cancelled);
  t.same(take(session, 65_536), ['data SYN 5 16384']);
  t.same(take(session, 65_536), []);
  t.end();
});

/** A session, and for each time that it told of output whether that may wait. */
function askingSession(): { session: MuxSession; asked: boolean[] } {
  const asked: boolean[] = [];
  const user = new Recorder();
  user.onOutput = (mayWait = false) => void asked.push(mayWait);
  return { session: sessionOf('client', user), asked };
}

test('an RST done for which nobody can wait asks for no output, and goes with the next', (t) => {
  const { session, asked } = askingSession();
  const [first, second] = [open(session), open(session)];
  takeAll(session);
  asked.length = 0;
  second.reset(resetCode.done);
  t.same(asked, [false], 'another stream may wait for what the peer puts away now');
  t.same(framesOf(takeAll(session)), ['update RST 3 1']);
  first.reset(resetCode.done);
  t.same(asked, [false, true]);
  t.equal(session.patientCount, 1);
  t.equal(session.streamCount, 1, 'until it is said');
  session.tick(session.nextDeadlineMs - 1);
  t.same(asked, [false, true], 'the time does not ask for it');
  open(session).write(hello);
  t.same(asked, [false, true, false]);
  t.same(framesOf(takeAll(session)), ['update RST 1 1', 'data SYN 5 5']);
  t.equal(session.patientCount, 0);
  t.equal(session.streamCount, 1);
  t.end();
});

test('an RST that says that something went wrong waits for nothing', (t) => {
  const { session, asked } = askingSession();
  const stream = open(session);
  takeAll(session);
  asked.length = 0;
  stream.reset(resetCode.cancelled);
  t.same(asked, [false]);
  t.equal(session.patientCount, 0);
  t.end();
});

test('an RST done that waits leaves with what is taken at the end, or is nobody’s any more', (t) => {
  const session = sessionOf('client');
  const first = open(session);
  takeAll(session);
  first.reset(resetCode.done);
  t.ok(session.hasOutput);
  t.same(framesOf(takeAll(session)), ['update RST 1 1'], 'whoever closes takes it along');
  t.notOk(session.hasOutput);
  const second = open(session);
  takeAll(session);
  second.reset(resetCode.done);
  session.close(resetCode.cancelled);
  t.equal(session.patientCount, 0);
  t.equal(session.streamCount, 0);
  t.notOk(session.hasOutput);
  t.end();
});

test('an RST done that waits is not said where the peer has ended the stream meanwhile', (t) => {
  const session = sessionOf('client');
  const first = open(session);
  takeAll(session);
  first.reset(resetCode.done);
  session.receive(bytesOf('00 01 0008 00000001 00000000'), 0);
  t.same(framesOf(takeAll(session)), []);
  t.equal(session.streamCount, 0);
  t.end();
});
