/** Bytes of nobody's making: receive throws nothing but a violation, takes time by its input only, and holds nothing that grows. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import { MuxSession } from '../../shared/mux/session.ts';
import { MuxViolation } from '../../shared/mux/violation.ts';
import { Recorder } from './recorder.ts';
import { framesOf, header, takeAll } from './wire.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 2_000);

/** Frames that are nearly right, on ids of the peer's mostly: they go further in than noise does. */
const nearlyFrames = (peerParity: number) => {
  const frame = fc
    .record({
      version: fc.oneof({ weight: 50, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
      type: fc.oneof(
        { weight: 20, arbitrary: fc.constantFrom(0, 0, 1, 1, 2) },
        { weight: 1, arbitrary: fc.nat({ max: 4 }) },
      ),
      flags: fc.constantFrom(1, 1, 1, 1, 1, 0, 2, 3, 4, 5, 8, 15),
      id: fc.oneof(
        { weight: 20, arbitrary: fc.nat({ max: 12 }).map((n) => n * 2 + 2 - peerParity) },
        { weight: 1, arbitrary: fc.constantFrom(0, 1, 2, 0xffff_ffff, 0x8000_0001) },
      ),
      length: fc.oneof(fc.nat({ max: 40 }), fc.constantFrom(0xffff_ffff, 262_144, 0)),
      payload: fc.uint8Array({ maxLength: 40 }),
    })
    .map(({ version, type, flags, id, length, payload }) => {
      const head = header(type, flags, id, type === 0 && length < 41 ? payload.length : length);
      head[0] = version;
      return type === 0 ? Buffer.concat([head, payload]) : head;
    });
  return fc
    .array(frame, { maxLength: 40, size: 'max' })
    .map((frames) => new Uint8Array(Buffer.concat(frames)));
};

const peer = fc.boolean().chain((isClient) =>
  fc.record({
    isClient: fc.constant(isClient),
    bytes: fc.oneof(
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }) },
      { weight: 4, arbitrary: nearlyFrames(isClient ? 0 : 1) },
    ),
    piece: fc.integer({ min: 1, max: 64 }),
  }),
);

test('receive survives anything', (t) => {
  let violations = 0;
  let frames = 0;
  fc.assert(
    fc.property(peer, ({ isClient, bytes, piece }) => {
      const user = new Recorder();
      const session = new MuxSession({
        role: isClient ? 'client' : 'server',
        nowMs: 0,
        handler: user,
        maxInboundStreams: 4,
      });
      user.react = (event, stream) => {
        if (event === 'stream' && stream.id % 4 === 3) stream.reset(resetCode.overloaded);
        if (event === 'data') stream.write(new Uint8Array(30));
        if (event === 'end') stream.end();
      };
      session.open(user)?.write(new Uint8Array(3));
      takeAll(session);
      try {
        for (let at = 0; at < bytes.length; at += piece) session.receive(bytes.subarray(at, at + piece), at);
      } catch (error) {
        if (!(error instanceof MuxViolation)) throw error;
        violations++;
        if (framesOf(takeAll(session)).join() !== 'goaway 1')
          throw new Error('a violation says GoAway, alone', { cause: error });
      }
      frames += framesOf(takeAll(session)).length;
      session.close(resetCode.cancelled);
      if (session.streamCount + session.heldBytes !== 0) throw new Error('something is left');
    }),
    { numRuns },
  );
  t.ok(violations > numRuns / 10, `${violations} violations`);
  t.ok(frames > numRuns / 10, `${frames} frames said to the others`);
  t.end();
});

test('a flood costs what it weighs: a million empty frames are nothing but a million frames', (t) => {
  const session = new MuxSession({ role: 'server', nowMs: 0, handler: new Recorder() });
  session.receive(header(1, 1, 1, 0), 0);
  const empty = Buffer.concat(Array.from({ length: 10_000 }, (_, i) => header(i % 2, 0, 1, 0)));
  const started = process.cpuUsage().user;
  for (let i = 0; i < 100; i++) session.receive(empty, 0);
  const cpuMs = (process.cpuUsage().user - started) / 1_000;
  t.ok(cpuMs < 5_000, `${cpuMs} ms of CPU for 12 MB of headers`);
  t.same(framesOf(takeAll(session)), []);
  t.end();
});

test('opened and reset a hundred thousand times by the peer: nothing is held', (t) => {
  const user = new Recorder();
  const session = new MuxSession({ role: 'server', nowMs: 0, handler: user });
  for (let i = 0; i < 100_000; i++) {
    const id = i * 2 + 1;
    session.receive(Buffer.concat([header(1, 1, id, 0), header(1, 8, id, 0)]), 0);
    user.events.length = 0;
    user.streams.clear();
  }
  t.same([session.streamCount, session.heldBytes, session.hasOutput], [0, 0, false]);
  t.equal(session.nextDeadlineMs < Infinity, true);
  t.end();
});
