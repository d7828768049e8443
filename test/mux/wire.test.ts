/** Every frame type with every flag it may carry, as bytes: what a session makes of them and what it says to them. */
import { test } from 'tap';
import { goAwayCode, resetCode } from '../../shared/mux/codes.ts';
import { MuxSession } from '../../shared/mux/session.ts';
import { Recorder } from './recorder.ts';
import { bytesOf, takeAll } from './wire.ts';

type Step = (session: MuxSession, user: Recorder) => void;

interface Row {
  readonly says: string;
  readonly role?: 'client' | 'server';
  /** Before the bytes come. What it says is not compared. */
  readonly before?: Step;
  readonly hex: string;
  readonly events: readonly string[];
  /** After they came. */
  readonly after?: Step;
  /** The frames it says then. */
  readonly output: string;
}

const hello = Buffer.from('hello');

/** A client's stream 1, its SYN on the wire. */
const opened: Step = (session, user) => {
  const stream = session.open(user);
  if (stream === undefined) throw new Error('not opened');
  user.streams.set(stream.id, stream);
  takeAll(session);
};
const openedAndEnded: Step = (session, user) => {
  opened(session, user);
  user.streams.get(1)?.end();
  takeAll(session);
};
const room: Step = (_, user) => user.events.push(`room ${user.streams.get(1)?.writableBytes}`);
const write: Step = (_, user) => void user.streams.get(1)?.write(hello);
const end: Step = (_, user) => user.streams.get(1)?.end();
const reset: Step = (_, user) => user.streams.get(1)?.reset(resetCode.overloaded);
const open: Step = (session, user) => {
  const stream = session.open(user);
  if (stream !== undefined) user.streams.set(stream.id, stream);
};
const all =
  (...steps: Step[]): Step =>
  (session, user) => {
    for (const step of steps) step(session, user);
  };

const syn = '00 00 0001 00000001 00000005 68656c6c6f';

const rows: Row[] = [
  // Opening (spec, "opening a stream").
  { says: 'SYN on data opens and delivers', hex: syn, events: ['stream 1', 'data 1 68656c6c6f'], output: '' },
  {
    says: 'SYN+FIN on data opens, delivers, ends',
    hex: '00 00 0005 00000001 00000005 68656c6c6f',
    events: ['stream 1', 'data 1 68656c6c6f', 'end 1'],
    output: '',
  },
  { says: 'SYN on empty data opens', hex: '00 00 0001 00000001 00000000', events: ['stream 1'], output: '' },
  {
    says: 'SYN+FIN on empty data opens and ends',
    hex: '00 00 0005 00000001 00000000',
    events: ['stream 1', 'end 1'],
    output: '',
  },
  {
    says: 'SYN on a window update opens',
    hex: '00 01 0001 00000001 00000000',
    events: ['stream 1'],
    output: '',
  },
  {
    says: 'SYN on a window update of 256 KiB doubles the window at once',
    hex: '00 01 0001 00000001 00040000',
    events: ['stream 1', 'room 524288'],
    after: room,
    output: '',
  },
  {
    says: 'SYN+FIN on a window update opens and ends',
    hex: '00 01 0005 00000001 00000000',
    events: ['stream 1', 'end 1'],
    output: '',
  },
  { says: 'SYN+RST: nothing ever was', hex: '00 01 0009 00000001 00000000', events: [], output: '' },
  {
    says: 'SYN+RST on data: nothing ever was, and its payload is skipped',
    hex: '00 00 0009 00000001 00000003 414243',
    events: [],
    output: '',
  },
  {
    says: 'an ACK beside the SYN changes nothing',
    hex: '00 00 0003 00000001 00000005 68656c6c6f',
    events: ['stream 1', 'data 1 68656c6c6f'],
    output: '',
  },
  {
    says: 'flags that nobody knows are ignored',
    hex: '00 00 fff1 00000001 00000005 68656c6c6f',
    events: ['stream 1', 'data 1 68656c6c6f'],
    output: '',
  },
  {
    says: 'ids need not come in order',
    hex: '00 01 0001 00000007 00000000  00 01 0001 00000003 00000000  00 01 0001 ffffffff 00000000',
    events: ['stream 7', 'stream 3', 'stream 4294967295'],
    output: '',
  },
  {
    says: 'a lower id that comes later does not make a higher one unheard of',
    hex: '00 01 0001 00000007 00000000  00 01 0008 00000007 00000000  00 01 0001 00000003 00000000  00 00 0000 00000007 00000001 41',
    events: ['stream 7', 'reset 7 cancelled', 'stream 3'],
    output: '',
  },
  {
    says: 'a server opens even ids, which a client takes',
    role: 'client',
    hex: '00 01 0001 00000002 00000000',
    events: ['stream 2'],
    output: '',
  },
  // The answer to a SYN: ACK on the first frame, whichever that is.
  {
    says: 'ACK rides on the first data',
    hex: syn,
    events: ['stream 1', 'data 1 68656c6c6f'],
    after: all(write),
    output: '00 00 0002 00000001 00000005 68656c6c6f',
  },
  {
    says: 'ACK and FIN ride on the last data',
    hex: syn,
    events: ['stream 1', 'data 1 68656c6c6f'],
    after: all(write, end),
    output: '00 00 0006 00000001 00000005 68656c6c6f',
  },
  {
    says: 'ACK and FIN ride on a window update where there is no data, and it returns what was consumed',
    hex: syn,
    events: ['stream 1', 'data 1 68656c6c6f'],
    after: all(end),
    output: '00 01 0006 00000001 00000005',
  },
  {
    says: 'to a peer that has ended nothing is returned',
    hex: '00 00 0005 00000001 00000005 68656c6c6f',
    events: ['stream 1', 'data 1 68656c6c6f', 'end 1'],
    after: all(end),
    output: '00 01 0006 00000001 00000000',
  },
  {
    says: 'a stream nobody takes is reset refused',
    before: (_, user) => void (user.accepts = false),
    hex: syn,
    events: ['stream 1'],
    output: '00 01 0008 00000001 00000002',
  },
  // Our own opening.
  {
    says: 'open alone says SYN on a window update',
    role: 'client',
    hex: '',
    events: [],
    after: open,
    output: '00 01 0001 00000001 00000000',
  },
  {
    says: 'open and write say SYN on the data',
    role: 'client',
    hex: '',
    events: [],
    after: all(open, write),
    output: syn,
  },
  {
    says: 'open, write, end: one frame',
    role: 'client',
    hex: '',
    events: [],
    after: all(open, write, end),
    output: '00 00 0005 00000001 00000005 68656c6c6f',
  },
  {
    says: 'open and end: SYN+FIN on a window update',
    role: 'client',
    hex: '',
    events: [],
    after: all(open, end),
    output: '00 01 0005 00000001 00000000',
  },
  {
    says: 'a second frame carries no SYN, and two writes share a frame',
    role: 'client',
    before: opened,
    hex: '',
    events: [],
    after: all(write, write),
    output: '00 00 0000 00000001 0000000a 68656c6c6f68656c6c6f',
  },
  {
    says: 'opened and reset before its SYN left: nothing goes out',
    role: 'client',
    hex: '',
    events: [],
    after: all(open, write, (_, user) => user.streams.get(1)?.reset(resetCode.cancelled)),
    output: '',
  },
  // Data and window updates of a stream that lives.
  {
    says: 'data with ACK is delivered',
    role: 'client',
    before: opened,
    hex: '00 00 0002 00000001 00000003 414243',
    events: ['data 1 414243'],
    output: '',
  },
  {
    says: 'data with ACK+FIN is delivered and ends',
    role: 'client',
    before: opened,
    hex: '00 00 0006 00000001 00000003 414243',
    events: ['data 1 414243', 'end 1'],
    output: '',
  },
  {
    says: 'two data frames are delivered in order, an empty one says nothing',
    role: 'client',
    before: opened,
    hex: '00 00 0002 00000001 00000001 41  00 00 0000 00000001 00000000  00 00 0000 00000001 00000002 4243',
    events: ['data 1 414243'],
    output: '',
  },
  {
    says: 'FIN on empty data ends',
    role: 'client',
    before: opened,
    hex: '00 00 0004 00000001 00000000',
    events: ['end 1'],
    output: '',
  },
  {
    says: 'FIN on a window update ends and grants',
    role: 'client',
    before: opened,
    hex: '00 01 0006 00000001 00000010',
    events: ['end 1', 'room 262160'],
    after: room,
    output: '',
  },
  {
    says: 'a second FIN says nothing new, nor does an empty frame behind the first',
    role: 'client',
    before: opened,
    hex: '00 00 0004 00000001 00000000  00 01 0004 00000001 00000000  00 00 0000 00000001 00000000',
    events: ['end 1'],
    output: '',
  },
  {
    says: 'window updates behind the FIN still grant: the peer reads on',
    role: 'client',
    before: opened,
    hex: '00 01 0004 00000001 00000000  00 01 0000 00000001 00000001',
    events: ['end 1', 'room 262145'],
    after: room,
    output: '',
  },
  {
    says: 'an ACK alone is a window update of 0',
    role: 'client',
    before: opened,
    hex: '00 01 0002 00000001 00000000',
    events: ['room 262144'],
    after: room,
    output: '',
  },
  {
    says: 'a window may reach 2^32-1',
    role: 'client',
    before: opened,
    hex: '00 01 0000 00000001 fffbffff',
    events: ['room 4294967295'],
    after: room,
    output: '',
  },
  // Reset.
  ...Object.entries(resetCode).map(([name, code]): Row => ({
    says: `RST with length ${code} reads as ${name}`,
    role: 'client',
    before: opened,
    hex: `00 01 0008 00000001 0000000${code}`,
    events: [`reset 1 ${name}`],
    output: '',
  })),
  ...['00000009', 'ffffffff'].map((length): Row => ({
    says: `RST with length ${length}, which nobody knows, reads as cancelled`,
    role: 'client',
    before: opened,
    hex: `00 01 0008 00000001 ${length}`,
    events: ['reset 1 cancelled'],
    output: '',
  })),
  {
    says: 'RST on data reads as cancelled and its payload is skipped',
    role: 'client',
    before: opened,
    hex: '00 00 0008 00000001 00000003 414243',
    events: ['reset 1 cancelled'],
    output: '',
  },
  {
    says: 'RST beats FIN and ACK on the same frame',
    role: 'client',
    before: opened,
    hex: '00 01 000e 00000001 00000006',
    events: ['reset 1 backendReset'],
    output: '',
  },
  {
    says: 'frames in flight behind a RST are skipped, whole payloads of them',
    role: 'client',
    before: opened,
    hex: '00 01 0008 00000001 00000000  00 00 0004 00000001 00000003 414243  00 01 0000 00000001 00000009  00 01 0008 00000001 00000001',
    events: ['reset 1 cancelled'],
    output: '',
  },
  {
    says: 'frames in flight for a stream that both have ended are skipped',
    role: 'client',
    before: openedAndEnded,
    hex: '00 01 0006 00000001 00000000  00 01 0000 00000001 00000009  00 00 0000 00000001 00000001 41',
    events: ['end 1'],
    output: '',
  },
  {
    says: 'our reset says its code and forgets what was queued; what comes before it has left is skipped',
    role: 'client',
    before: all(opened, write, reset),
    hex: '00 00 0002 00000001 00000003 414243',
    events: [],
    output: '00 01 0008 00000001 00000007',
  },
  {
    says: 'a FIN that crosses our reset is not told',
    role: 'client',
    before: all(opened, reset),
    hex: '00 01 0004 00000001 00000000  00 00 0004 00000001 00000000',
    events: [],
    output: '00 01 0008 00000001 00000007',
  },
  {
    says: 'more than the window that crosses our reset is skipped: the peer cannot know',
    role: 'client',
    before: all(opened, reset),
    hex: '00 00 0000 00000001 00000003 414243  00 01 0000 00000001 ffffffff  00 01 0000 00000001 ffffffff',
    events: [],
    output: '00 01 0008 00000001 00000007',
  },
  {
    says: 'what comes after our reset has left is skipped',
    role: 'client',
    before: all(opened, write, reset, (session) => void takeAll(session)),
    hex: '00 00 0002 00000001 00000003 414243 00 01 0000 00000001 ffffffff',
    events: [],
    output: '',
  },
  {
    says: 'two resets that cross: ours is not said any more, theirs is not told',
    role: 'client',
    before: all(opened, reset),
    hex: '00 01 0008 00000001 00000001',
    events: [],
    output: '',
  },
  // Ping and GoAway are the session's.
  {
    says: 'a ping is answered with its value',
    hex: '00 02 0001 00000000 deadbeef',
    events: [],
    output: '00 02 0002 00000000 deadbeef',
  },
  {
    says: 'a ping without SYN is answered too',
    hex: '00 02 0000 00000000 00000001',
    events: [],
    output: '00 02 0002 00000000 00000001',
  },
  {
    says: 'the ACK of a ping nobody sent is ignored',
    hex: '00 02 0002 00000000 00000007',
    events: [],
    output: '',
  },
  {
    says: 'a ping on a stream id is a ping',
    hex: '00 02 0001 00000009 00000001',
    events: [],
    output: '00 02 0002 00000000 00000001',
  },
  { says: 'GoAway, normal', hex: '00 03 0000 00000000 00000000', events: ['goaway 0'], output: '' },
  { says: 'GoAway, protocol error', hex: '00 03 0000 00000000 00000001', events: ['goaway 1'], output: '' },
  { says: 'GoAway, internal error', hex: '00 03 0000 00000000 00000002', events: ['goaway 2'], output: '' },
  {
    says: 'a second GoAway says nothing new',
    hex: '00 03 0000 00000000 00000000  00 03 0000 00000000 00000002',
    events: ['goaway 0'],
    output: '',
  },
  {
    says: 'our GoAway has its code, once',
    hex: '',
    events: [],
    after: (session) => {
      session.goAway(goAwayCode.internalError);
      session.goAway(goAwayCode.normal);
    },
    output: '00 03 0000 00000000 00000002',
  },
  {
    says: 'a SYN behind our GoAway is refused, and its payload skipped',
    before: (session) => {
      session.goAway(goAwayCode.normal);
      takeAll(session);
    },
    hex: syn,
    events: [],
    output: '00 01 0008 00000001 00000002',
  },
];

type Feed = (session: MuxSession, bytes: Uint8Array) => void;

const ways: [way: string, feed: Feed, answer: string][] = [
  ['whole', (session, bytes) => session.receive(bytes, 0), ''],
  [
    'byte by byte',
    (session, bytes) => {
      for (let at = 0; at < bytes.length; at++) session.receive(bytes.subarray(at, at + 1), 0);
    },
    '',
  ],
  [
    'with a ping behind',
    (session, bytes) => session.receive(Buffer.concat([bytes, bytesOf('00 02 0001 00000000 0a0b0c0d')]), 0),
    '00020002000000000a0b0c0d',
  ],
  [
    'with half a ping behind, and then the rest',
    (session, bytes) => {
      session.receive(Buffer.concat([bytes, bytesOf('00 02 0001 0000')]), 0);
      session.receive(bytesOf('0000 0a0b0c0d'), 0);
    },
    '00020002000000000a0b0c0d',
  ],
];

for (const [way, feed, answer] of ways) {
  test(`fed ${way}`, (t) => {
    for (const row of rows) {
      const user = new Recorder();
      const options = { maxQueuedBytes: 2 ** 33, nowMs: 0, handler: user };
      const session = new MuxSession({ role: row.role ?? 'server', ...options });
      row.before?.(session, user);
      feed(session, bytesOf(row.hex));
      row.after?.(session, user);
      const said = takeAll(session).toString('hex');
      t.same(user.events, row.events, `${row.says}: what is told`);
      t.ok(said.includes(answer), `${row.says}: the ping behind is answered`);
      t.equal(said.replace(answer, ''), row.output.replaceAll(/\s+/g, ''), `${row.says}: what is said`);
    }
    t.end();
  });
}
