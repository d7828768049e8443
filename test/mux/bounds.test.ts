/** What bounds a session: how many streams and ids there are, and mistakes of the program that are thrown plainly. */
import { test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import { MuxSession } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { Pair } from './pair.ts';
import { Recorder } from './recorder.ts';
import { bytesOf, dataFrame, framesOf, takeAll } from './wire.ts';

const hello = Buffer.from('hello');

function open(pair: Pair): MuxStream {
  const stream = pair.client.session.open(pair.client.user);
  if (stream === undefined) throw new Error('not opened');
  return stream;
}

function syn(id: number): Uint8Array {
  return dataFrame(1, id, hello);
}

function inbound(pair: Pair, id = 1): MuxStream {
  const stream = pair.server.user.streams.get(id);
  if (stream === undefined) throw new Error(`stream ${id} did not arrive`);
  return stream;
}

test('streams of the peer are bounded, and so is what a reset of them can make us hold', (t) => {
  const user = new Recorder();
  const session = new MuxSession({ role: 'server', nowMs: 0, handler: user, maxInboundStreams: 2 });
  session.receive(Buffer.concat([syn(1), syn(3), syn(5)]), 0);
  t.equal(session.streamCount, 2);
  t.same(framesOf(takeAll(session)), ['update RST 5 2']);
  user.streams.get(1)?.reset(resetCode.overloaded);
  session.receive(syn(7), 0);
  t.notOk(user.streams.has(7), 'a stream counts until its RST has left: else a peer could pile them up');
  t.same(framesOf(takeAll(session)), ['update RST 7 2', 'update RST 1 7']);
  session.receive(syn(9), 0);
  t.ok(user.streams.has(9));
  session.receive(bytesOf('00 01 0004 00000009 00000000'), 0);
  session.receive(syn(11), 0);
  t.notOk(user.streams.has(11), 'a half-closed stream counts');
  user.streams.get(9)?.end();
  takeAll(session);
  session.receive(syn(13), 0);
  t.ok(user.streams.has(13), 'one that both have ended does not');
  t.end();
});

test('maxInboundStreams 0 takes none; maxOutboundStreams bounds ours', (t) => {
  const pair = new Pair({ server: { maxInboundStreams: 0 }, client: { maxOutboundStreams: 2 } });
  const streams = [open(pair), open(pair)];
  t.equal(pair.client.session.open(pair.client.user), undefined);
  pair.run();
  t.same(pair.client.user.events, ['reset 1 refused', 'reset 3 refused']);
  t.same(pair.server.user.events, []);
  t.ok(streams.every((stream) => stream.isReset));
  t.ok(pair.client.session.open(pair.client.user));
  t.end();
});

test('opened and reset while the line is stuck: nothing piles up', (t) => {
  const session = new MuxSession({ role: 'client', nowMs: 0, handler: new Recorder() });
  for (let i = 0; i < 10_000; i++) {
    const stream = session.open(new Recorder());
    stream?.write(hello);
    stream?.reset(resetCode.cancelled);
  }
  t.same([session.streamCount, session.heldBytes, session.hasOutput], [0, 0, false]);
  t.equal(takeAll(session).length, 0);
  t.end();
});

test('ids near their end: told once in time, all of them used, then none', (t) => {
  const pair = new Pair({ client: { firstStreamId: 0xffff_fff7, idsLowAt: 0xffff_fffb } });
  const ids: number[] = [];
  for (;;) {
    const stream = pair.client.session.open(pair.client.user);
    if (stream === undefined) break;
    ids.push(stream.id);
    stream.write(hello);
    stream.end();
    pair.run();
    inbound(pair, stream.id).end();
    pair.run();
  }
  t.same(ids, [0xffff_fff7, 0xffff_fff9, 0xffff_fffb, 0xffff_fffd, 0xffff_ffff]);
  t.same(
    pair.client.user.events.filter((event) => event === 'ids low'),
    ['ids low'],
  );
  t.equal(pair.client.user.events[0], 'end 4294967287');
  t.equal(pair.client.user.events[1], 'ids low', 'as soon as the next id is at the threshold');
  t.equal(pair.server.session.streamCount, 0);
  t.end();
});

test('by default ids count as low at 2^31', (t) => {
  const pair = new Pair({ client: { firstStreamId: 0x7fff_fffd } });
  open(pair);
  t.same(pair.client.user.events, []);
  open(pair);
  t.same(pair.client.user.events, ['ids low']);
  t.end();
});

test('mistakes of the program are thrown plainly', (t) => {
  const pair = new Pair();
  const stream = open(pair);
  t.throws(() => stream.consume(1), { message: 'consumed more of a stream than was delivered' });
  t.throws(() => stream.consume(-1));
  t.throws(() => stream.consume(Number.NaN));
  t.throws(() => pair.client.session.takeOutput(new Uint8Array(16_395)));
  t.throws(() => new MuxSession({ role: 'client', nowMs: 0, handler: new Recorder(), firstStreamId: 2 }));
  t.throws(() => new MuxSession({ role: 'server', nowMs: 0, handler: new Recorder(), firstStreamId: 0 }));
  pair.server.user.react = () =>
    t.throws(() => pair.server.session.receive(hello, 0), { message: /within receive/ });
  pair.run();
  t.same(pair.server.user.events, ['stream 1']);
  t.end();
});

test('a frame that is half here cannot be consumed beyond what was delivered', (t) => {
  const user = new Recorder();
  user.consumes = false;
  const session = new MuxSession({ role: 'server', nowMs: 0, handler: user });
  session.receive(dataFrame(1, 1, Buffer.alloc(100)).subarray(0, 52), 0);
  t.equal(session.heldBytes, 40);
  t.throws(() => user.streams.get(1)?.consume(41));
  user.streams.get(1)?.consume(40);
  t.equal(session.heldBytes, 0);
  t.end();
});
