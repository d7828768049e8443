/** Flow control: credit both ways, what write takes, and when the writer is told of room. */
import { test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import { SendQueue } from '../../shared/mux/send-queue.ts';
import { initialWindowBytes, ReceiveWindow, WindowBudget } from '../../shared/mux/window.ts';
import { Pair } from './pair.ts';
import { kib, mib, sender } from './sender.ts';
import { framesOf, takeAll } from './wire.ts';

const maxQueued = 128 * kib;

test('a reader that does not consume stops the sender at the window, and no byte more', (t) => {
  const { pair, stream } = sender({});
  pair.server.user.consumes = false;
  pair.run(5_000);
  t.equal(pair.server.user.received.get(1), initialWindowBytes);
  t.equal(stream.writableBytes, 0);
  t.equal(stream.queuedBytes, 0);
  t.equal(pair.server.session.heldBytes, initialWindowBytes);
  t.equal(pair.client.session.heldBytes, 0);
  t.end();
});

test('half a window consumed is granted again, less is not; grants that wait go as one', (t) => {
  const { pair, stream, receiver } = sender({ client: { maxQueuedBytes: mib } });
  pair.server.user.consumes = false;
  pair.run();
  pair.listens = true;
  receiver().consume(initialWindowBytes / 2 - 1);
  pair.run();
  t.same(pair.server.said, []);
  receiver().consume(1);
  receiver().consume(1_000);
  receiver().consume(24);
  pair.client.user.react = () => {};
  pair.run();
  t.same(pair.server.said, ['update ACK 1 132096']);
  t.equal(stream.writableBytes, 132_096);
  t.end();
});

test('what write takes is the least of credit and queue, and the rest is told of later', (t) => {
  const pair = new Pair({ client: { maxQueuedBytes: 10_000 } });
  const stream = pair.client.session.open(pair.client.user);
  t.equal(stream?.writableBytes, 10_000);
  t.equal(stream?.write(new Uint8Array(6_000)), 6_000);
  t.equal(stream?.write(new Uint8Array(6_000)), 4_000);
  t.equal(stream?.write(new Uint8Array(6_000)), 0);
  t.equal(stream?.write(new Uint8Array(0)), 0);
  t.equal(stream?.queuedBytes, 10_000);
  t.equal(pair.client.session.heldBytes, 10_000);
  t.same(pair.client.user.events, []);
  pair.run();
  t.same(pair.client.user.events, ['writable 1'], 'once, though two writes were cut short');
  t.equal(pair.client.session.heldBytes, 0);
  t.end();
});

test('single bytes are bounded in number too: 1,024 wait, then write takes no more', (t) => {
  const pair = new Pair();
  const stream = pair.client.session.open(pair.client.user);
  let taken = 0;
  while ((stream?.write(new Uint8Array(1)) ?? 0) === 1) taken++;
  t.equal(taken, 1_024);
  pair.run();
  t.same(pair.client.user.events, ['writable 1']);
  t.equal(pair.server.user.received.get(1), 1_024);
  t.end();
});

test('the parts of a window always add up to its size', (t) => {
  const window = new ReceiveWindow(mib, new WindowBudget(mib));
  t.ok(window.accept(200_000));
  t.notOk(window.accept(62_145));
  window.deliver(150_000);
  window.consume(140_000);
  t.equal(window.unconsumedBytes, 10_000);
  t.ok(window.isUpdateDue);
  t.equal(window.takeUpdate(), 140_000, 'not what is only announced, nor what is not consumed');
  t.equal(window.creditBytes, 262_144 - 200_000 + 140_000);
  t.equal(window.takeUpdate(), 0);
  t.end();
});

test('writes are told of room when half the queue is free, not before', (t) => {
  const pair = new Pair({ client: { maxQueuedBytes: 40_000 } });
  const stream = pair.client.session.open(pair.client.user);
  stream?.write(new Uint8Array(40_001));
  const into = new Uint8Array(16_396);
  pair.client.session.takeOutput(into);
  t.same(pair.client.user.events, [], '23,616 bytes wait');
  pair.client.session.takeOutput(into);
  t.same(pair.client.user.events, ['writable 1'], '7,232 bytes wait');
  t.end();
});

test('a peer that has ended is granted nothing more, nor is its round trip asked for', (t) => {
  const { pair, stream, receiver } = sender({});
  pair.server.user.consumes = false;
  pair.run(1_000);
  pair.client.user.react = () => {};
  stream.end();
  pair.run();
  pair.server.user.outputCalls = 0;
  t.ok(receiver().endReceived);
  receiver().consume(initialWindowBytes);
  t.equal(pair.server.user.outputCalls, 0);
  t.notOk(pair.server.session.hasOutput);
  t.end();
});

test('a grant that is due when the peer ends or resets is not said any more', (t) => {
  for (const isReset of [true, false]) {
    const { pair, stream, receiver } = sender({});
    pair.server.user.consumes = false;
    pair.run(1_000);
    pair.client.user.react = () => {};
    if (isReset) stream.reset(resetCode.cancelled);
    else stream.end();
    const last = takeAll(pair.client.session);
    receiver().consume(initialWindowBytes);
    pair.server.session.receive(last, 1_000);
    const said = framesOf(takeAll(pair.server.session)).filter((frame) => !frame.startsWith('ping'));
    t.same(said, [], isReset ? 'RST' : 'FIN');
  }
  t.end();
});

test('a queue that never runs empty forgets what has gone', (t) => {
  const queue = new SendQueue(maxQueued);
  const into = new Uint8Array(1);
  const bytes = new Uint8Array(1);
  queue.offer(bytes);
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 1_000_000; i++) {
    queue.offer(bytes.subarray(0, 1));
    queue.takeInto(into, 0, 1);
    queue.acceptCredit(1);
  }
  const grownMib = (process.memoryUsage().heapUsed - before) / mib;
  t.equal(queue.bytes, 1);
  t.ok(grownMib < 60, `${grownMib} MiB`);
  t.end();
});
