/**
 * An implementation that is not ours, as far as it goes, in both directions; and its defects, each as a scenario that theirs
 * fails and ours does not. They say why it is a peer in the tests and not on the data path.
 */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'tap';
import { Client, Server } from 'yamux-js';
import { goAwayCode, resetCode } from '../../shared/mux/codes.ts';
import { MuxSession } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { Recorder } from './recorder.ts';
import { dataFrame, framesOf, header, takeAll } from './wire.ts';

const hello = Buffer.from('hello');
const silent = { enableKeepAlive: false, keepAliveInterval: 30, logger: () => {} };
const opening = header(1, 1, 1, 0);

/** Ours and theirs, joined: whole frames in each message, because theirs loses what is cut. */
class Joined {
  readonly user = new Recorder();
  readonly ours: MuxSession;
  readonly theirs: Client | Server;
  /** Streams that theirs was told of. */
  readonly arrived: Duplex[] = [];
  /** Frames that ours said, as words. */
  readonly said: string[] = [];
  nowMs = 0;
  #isDue = false;

  constructor(ourRole: 'client' | 'server', config = silent) {
    this.user.quiet = true;
    this.user.onOutput = () => this.#schedule();
    this.ours = new MuxSession({ role: ourRole, nowMs: 0, handler: this.user, random: () => 0.5 });
    this.theirs =
      ourRole === 'server'
        ? new Client(config)
        : new Server((stream) => void this.arrived.push(stream), config);
    this.theirs.on('data', (bytes: Buffer) => this.ours.receive(bytes, this.nowMs));
    this.theirs.on('error', () => {});
  }

  open(): MuxStream {
    const stream = this.ours.open(this.user);
    if (stream === undefined) throw new Error('not opened');
    return stream;
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      const bytes = takeAll(this.ours);
      this.said.push(...framesOf(bytes));
      if (bytes.length > 0) this.theirs.write(bytes);
    });
  }
}

/** Turns of the event loop until it is so, or long enough for the test to fail: theirs speaks by timers of its own. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turns = 0; turns < 100_000 && !isSo(); turns++) {
    // oxlint-disable-next-line no-await-in-loop -- each turn comes after the last
    await turn();
  }
}

/** Everything said before has been heard when this ping's answer is back. */
async function heardBy(joined: Joined): Promise<void> {
  joined.ours.tick((joined.nowMs = 15_000));
  joined.nowMs += 5;
  await until(() => joined.ours.rttMs !== undefined);
  await turn();
}

/** The first stream of ours that theirs was told of. */
async function arrivedFirst(joined: Joined): Promise<Duplex> {
  await until(() => joined.arrived.length > 0);
  const [stream] = joined.arrived;
  if (stream === undefined) throw new Error('no stream');
  return stream;
}

function readBytes(stream: Duplex, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  return new Promise((resolve) => {
    stream.on('data', (part: Buffer) => {
      parts.push(part);
      length += part.length;
      if (length >= bytes) resolve(Buffer.concat(parts));
    });
  });
}

function pattern(bytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + (i >>> 10)) & 0xff));
}

test('ours opens to theirs: bytes go both ways', async (t) => {
  const joined = new Joined('client');
  const stream = joined.open();
  const other = await arrivedFirst(joined);
  stream.write(hello);
  t.same(await readBytes(other, 5), hello);
  joined.user.quiet = false;
  const answered = new Promise<void>((resolve) => {
    joined.user.react = (event) => event === 'data' && resolve();
  });
  other.write('good day');
  await answered;
  t.same(joined.user.events, [`data 1 ${Buffer.from('good day').toString('hex')}`]);
});

test('theirs opens to ours: 1 MiB through a window of 256 KiB, and back', async (t) => {
  const joined = new Joined('server');
  const sent = pattern(2 ** 20);
  const heard: Buffer[] = [];
  let heardBytes = 0;
  let unsaid: Buffer = Buffer.alloc(0);
  joined.user.onData = (stream, bytes) => {
    heard.push(Buffer.from(bytes));
    heardBytes += bytes.length;
    stream.consume(bytes.length);
    unsaid = Buffer.concat([unsaid, bytes]);
    unsaid = unsaid.subarray(stream.write(unsaid));
  };
  joined.user.onWritable = (stream) => {
    unsaid = unsaid.subarray(stream.write(unsaid));
  };
  const stream = joined.theirs.open();
  const echoed = readBytes(stream, sent.length);
  for (let at = 0; at < sent.length; at += 16_384) stream.write(sent.subarray(at, at + 16_384));
  t.ok((await echoed).equals(sent));
  t.equal(heardBytes, sent.length);
  t.ok(Buffer.concat(heard).equals(sent));
  stream.destroy();
});

test('their close is our end, their ping is answered, ours by them, GoAway both ways', async (t) => {
  const joined = new Joined('server', { ...silent, enableKeepAlive: true, keepAliveInterval: 0.005 });
  const stream = joined.theirs.open();
  stream.write('a');
  stream.close();
  await turn();
  t.same(joined.user.events, ['stream 1', 'end 1']);
  await heardBy(joined);
  // 0 where a ping of theirs, by their real clock, told ours the time between the two.
  t.ok([0, 5].includes(joined.ours.rttMs ?? -1), `they answered after ${joined.ours.rttMs} ms`);
  await until(() => joined.said.includes('ping ACK 0'));
  joined.ours.goAway(goAwayCode.normal);
  await turn();
  await turn();
  const refused = once(joined.theirs, 'error');
  joined.theirs.open();
  t.match((await refused)[0], { message: 'remote end is not accepting connections' });
  joined.theirs.close();
  await turn();
  t.ok(joined.ours.peerGoingAway);
  t.equal(joined.user.events.at(-1), 'goaway 0');
});

test('our refusal of their stream is a plain RST to them', async (t) => {
  const joined = new Joined('server');
  joined.user.accepts = false;
  const stream = joined.theirs.open();
  await turn();
  await turn();
  await turn();
  const failed = once(stream, 'error');
  stream.write('a');
  t.match((await failed)[0], { message: 'connection reset' });
});

test('yamux-js never shows a FIN to its reader; the day this fails the defect is gone', async (t) => {
  const joined = new Joined('client');
  const stream = joined.open();
  const other = (await arrivedFirst(joined)).resume();
  let hasEnded = false;
  other.on('end', () => (hasEnded = true));
  stream.write(hello);
  stream.end();
  await heardBy(joined);
  t.ok(stream.endSent);
  t.equal(hasEnded, false);
});

test('ours shows it', (t) => {
  const { user, session } = reader();
  session.receive(Buffer.concat([opening, dataFrame(0, 1, hello), dataFrame(4, 1, Buffer.alloc(0))]), 0);
  t.same(user.events, ['stream 1', 'data 1 68656c6c6f', 'end 1']);
  t.end();
});

const inPieces = Buffer.concat([opening, dataFrame(0, 1, pattern(1_000))]);

test('yamux-js makes 0 of 1,000 bytes that come in pieces of 7; the day this fails the defect is gone', async (t) => {
  let bytes = 0;
  const theirs = new Server((stream) => stream.on('data', (part: Buffer) => (bytes += part.length)), silent);
  theirs.on('error', () => {});
  for (let at = 0; at < inPieces.length; at += 7) theirs.write(inPieces.subarray(at, at + 7));
  await turn();
  await turn();
  t.equal(bytes, 0);
});

test('ours makes 1,000 of them', (t) => {
  const { user, session } = reader();
  for (let at = 0; at < inPieces.length; at += 7) session.receive(inPieces.subarray(at, at + 7), 0);
  t.same(user.events, ['stream 1', `data 1 ${pattern(1_000).toString('hex')}`]);
  t.end();
});

test('yamux-js takes and holds everything while its reader is paused; the day this fails the defect is gone', async (t) => {
  const joined = new Joined('client');
  const stream = joined.open();
  const flowBytes = 4 * 2 ** 20;
  let left = flowBytes;
  const chunk = Buffer.alloc(16_384);
  const fill = () => {
    while (left > 0) {
      const taken = stream.write(chunk.subarray(0, left));
      left -= taken;
      if (taken === 0) return;
    }
  };
  const other = await arrivedFirst(joined);
  other.pause();
  joined.user.react = (event) => event === 'writable' && fill();
  fill();
  await until(() => left === 0 && stream.queuedBytes === 0);
  await heardBy(joined);
  t.equal(other.readableLength, flowBytes);
});

test('ours holds a window', (t) => {
  const user = new Recorder();
  user.consumes = false;
  user.quiet = true;
  const session = new MuxSession({ role: 'server', nowMs: 0, handler: user });
  const client = new MuxSession({ role: 'client', nowMs: 0, handler: new Recorder() });
  const stream = client.open(new Recorder());
  for (let rounds = 0; rounds < 1_000; rounds++) {
    stream?.write(Buffer.alloc(16_384));
    session.receive(takeAll(client), 0);
    client.receive(takeAll(session), 0);
  }
  t.equal(session.heldBytes, 262_144);
  t.equal(client.heldBytes, 0);
  t.end();
});

const manyFrames = Buffer.concat([
  opening,
  ...Array.from({ length: 20_000 }, () => dataFrame(0, 1, Buffer.alloc(1))),
]);

test('yamux-js overflows its stack on 20,000 small frames in one message; the day this fails the defect is gone', (t) => {
  const theirs = new Server((stream) => stream.resume(), silent);
  t.throws(() => theirs.write(manyFrames), RangeError);
  t.end();
});

test('ours takes them', (t) => {
  const { user, session } = reader();
  session.receive(manyFrames, 0);
  t.equal(user.received.get(1), 20_000);
  t.end();
});

test('yamux-js loses data on a SYN frame; the day this fails the defect is gone', async (t) => {
  const joined = new Joined('client');
  const stream = joined.open();
  stream.write(hello);
  await turn();
  await turn();
  stream.write(Buffer.from(' again'));
  const [other] = joined.arrived;
  if (other === undefined) return t.fail('no stream');
  return t.same(
    (await readBytes(other, 6)).toString(),
    ' again',
    'and what comes next arrives as if nothing had been before',
  );
});

test('ours delivers it', (t) => {
  const { user, session } = reader();
  session.receive(dataFrame(1, 1, hello), 0);
  t.same(user.events, ['stream 1', 'data 1 68656c6c6f']);
  session.close(resetCode.cancelled);
  t.end();
});

function reader(): { user: Recorder; session: MuxSession } {
  const user = new Recorder();
  return { user, session: new MuxSession({ role: 'server', nowMs: 0, handler: user }) };
}
