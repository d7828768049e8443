/** What a peer must not do: each row ends the link with its code, a GoAway, and nothing else after it. */
import { test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import { MuxSession, type SessionOptions } from '../../shared/mux/session.ts';
import { MuxViolation, type MuxViolationCode } from '../../shared/mux/violation.ts';
import { Recorder } from './recorder.ts';
import { bytesOf, framesOf, header, takeAll } from './wire.ts';

interface Row {
  readonly says: string;
  readonly role?: 'client' | 'server';
  readonly options?: Partial<SessionOptions>;
  readonly before?: (session: MuxSession, user: Recorder) => void;
  readonly hex: string;
  readonly code: MuxViolationCode;
  readonly events?: readonly string[];
}

const syn1 = '00 01 0001 00000001 00000000 ';
const repeat = (hex: string, times: number) => hex.repeat(times);
/** `bytes` of zero payload in data frames of 16 KiB on stream 1. */
const filled = (bytes: number) => {
  let hex = '';
  for (let left = bytes; left > 0; left -= 16_384) {
    const length = Math.min(left, 16_384);
    hex += header(0, 0, 1, length).toString('hex') + '00'.repeat(length);
  }
  return hex;
};
const openedUnsaid = (session: MuxSession, user: Recorder) => void session.open(user);

const rows: Row[] = [
  { says: 'version 1', hex: '01 00 0001 00000001 00000000', code: 'bad_version' },
  { says: 'version 255 on a ping', hex: 'ff 02 0001 00000000 00000000', code: 'bad_version' },
  { says: 'type 4', hex: '00 04 0000 00000000 00000000', code: 'bad_type' },
  { says: 'type 255', hex: '00 ff 0001 00000001 00000000', code: 'bad_type' },
  {
    says: 'an HTTP request where frames should be',
    hex: Buffer.from('GET / HTTP/1.1\r\n').toString('hex'),
    code: 'bad_version',
  },
  { says: 'data on id 0', hex: '00 00 0001 00000000 00000000', code: 'stream_zero' },
  { says: 'a window update on id 0', hex: '00 01 0000 00000000 00000001', code: 'stream_zero' },
  { says: 'RST on id 0', hex: '00 01 0008 00000000 00000000', code: 'stream_zero' },
  { says: 'a client that opens an even id', hex: '00 01 0001 00000002 00000000', code: 'syn_parity' },
  {
    says: 'a server that opens an odd id',
    role: 'client',
    hex: '00 00 0001 00000001 00000000',
    code: 'syn_parity',
  },
  {
    says: 'a server that answers our stream with a SYN',
    role: 'client',
    before: (session, user) => {
      session.open(user);
      takeAll(session);
    },
    hex: '00 00 0003 00000001 00000000',
    code: 'syn_parity',
  },
  { says: 'SYN twice', hex: syn1 + syn1, code: 'syn_duplicate', events: ['stream 1'] },
  {
    says: 'SYN on a half-closed stream',
    hex: '00 01 0005 00000001 00000000' + syn1,
    code: 'syn_duplicate',
    events: ['stream 1', 'end 1'],
  },
  {
    says: 'SYN on a stream that we reset and the peer cannot know of yet',
    before: (_, user) => {
      user.accepts = false;
    },
    hex: syn1 + syn1,
    code: 'syn_duplicate',
    events: ['stream 1'],
  },
  {
    says: 'data for an id of the peer that was never opened',
    hex: '00 00 0000 00000001 00000000',
    code: 'unknown_stream',
  },
  {
    says: 'a window update for an id above all that were opened',
    hex: syn1 + '00 01 0000 00000003 00000001',
    code: 'unknown_stream',
    events: ['stream 1'],
  },
  {
    says: 'RST for an id that was never opened',
    hex: '00 01 0008 00000001 00000000',
    code: 'unknown_stream',
  },
  {
    says: 'FIN for an id that was never opened',
    hex: '00 00 0004 00000001 00000000',
    code: 'unknown_stream',
  },
  {
    says: 'data for an id of ours that was never opened',
    hex: '00 00 0000 00000002 00000001 41',
    code: 'unknown_stream',
  },
  {
    says: 'data for an id of ours beyond those opened',
    role: 'client',
    before: (session, user) => {
      session.open(user);
      takeAll(session);
    },
    hex: '00 00 0000 00000003 00000001 41',
    code: 'unknown_stream',
  },
  {
    says: 'an ACK for a stream whose SYN has not left',
    role: 'client',
    before: openedUnsaid,
    hex: '00 01 0002 00000001 00000000',
    code: 'unknown_stream',
  },
  {
    says: 'RST for a stream whose SYN has not left',
    role: 'client',
    before: openedUnsaid,
    hex: '00 01 0008 00000001 00000000',
    code: 'unknown_stream',
  },
  {
    says: 'data behind a FIN',
    hex: '00 00 0005 00000001 00000001 41  00 00 0000 00000001 00000001 42',
    code: 'data_after_fin',
    events: ['stream 1', 'data 1 41', 'end 1'],
  },
  {
    says: 'a first data frame that is larger than the window',
    hex: '00 00 0001 00000001 00040001',
    code: 'window_exceeded',
    events: ['stream 1'],
  },
  {
    says: 'a frame larger than any window, on a stream that is over',
    hex: '00 01 0009 00000001 00000000  00 00 0000 00000001 01000001',
    code: 'window_exceeded',
  },
  {
    says: 'a frame larger than any window, on a SYN that would be refused',
    options: { maxInboundStreams: 0 },
    hex: '00 00 0001 00000001 ffffffff',
    code: 'window_exceeded',
  },
  {
    says: 'one byte over a window that fills',
    before: (_, user) => {
      user.consumes = false;
      user.quiet = true;
    },
    hex: syn1 + filled(262_144) + '00 00 0000 00000001 00000001',
    code: 'window_exceeded',
    events: ['stream 1'],
  },
  {
    says: 'one byte more than the peer was told of, though all is consumed',
    before: (_, user) => {
      user.quiet = true;
    },
    hex: syn1 + filled(262_144) + '00 00 0000 00000001 00000001',
    code: 'window_exceeded',
    events: ['stream 1'],
  },
  {
    says: 'a send window of 2^32',
    hex: syn1 + '00 01 0000 00000001 fffc0000',
    code: 'window_overflow',
    events: ['stream 1'],
  },
  {
    says: 'a send window of 2^32, part of which is queued and not yet sent',
    role: 'client',
    before: (session, user) => {
      const stream = session.open(user);
      takeAll(session);
      stream?.write(new Uint8Array(5));
    },
    hex: '00 01 0000 00000001 fffc0000',
    code: 'window_overflow',
  },
  {
    says: 'a send window of 2^32, in steps, on the SYN too',
    hex: '00 01 0001 00000001 fffbffff 00 01 0000 00000001 00000001',
    code: 'window_overflow',
    events: ['stream 1'],
  },
  {
    says: '1,025 pings that wait for their answer',
    hex: repeat('00 02 0001 00000000 00000001', 1_025),
    code: 'control_flood',
  },
  {
    says: '1,025 refused streams that wait for their RST',
    options: { maxInboundStreams: 0 },
    hex: Array.from({ length: 1_025 }, (_, i) => header(1, 1, i * 2 + 1, 0).toString('hex')).join(''),
    code: 'control_flood',
  },
  {
    says: 'pings and refused streams together',
    options: { maxInboundStreams: 0 },
    hex:
      repeat('00 02 0001 00000000 00000001', 1_000) +
      Array.from({ length: 25 }, (_, i) => header(0, 1, i * 2 + 1, 0).toString('hex')).join(''),
    code: 'control_flood',
  },
];

const ping = bytesOf('00 02 0001 00000000 00000001');

for (const way of ['whole', 'byte by byte', 'with bytes behind'] as const) {
  test(`fed ${way}`, (t) => {
    for (const row of rows) {
      const user = new Recorder();
      const session = new MuxSession({ nowMs: 0, handler: user, role: row.role ?? 'server', ...row.options });
      row.before?.(session, user);
      const bytes = bytesOf(row.hex);
      const violation = violationOf(() => {
        if (way === 'whole') session.receive(bytes, 0);
        else if (way === 'with bytes behind') session.receive(Buffer.concat([bytes, ping]), 0);
        else for (let at = 0; at < bytes.length; at++) session.receive(bytes.subarray(at, at + 1), 0);
      });
      t.match(violation, { code: row.code, scope: 'link', initiator: 'remote', answer: 1 }, row.says);
      t.same(user.events, row.events ?? [], `${row.says}: nothing more is told`);
      session.receive(ping, 0);
      t.same(framesOf(takeAll(session)), ['goaway 1'], `${row.says}: GoAway goes out, and nothing else`);
      t.equal(session.open(user), undefined, `${row.says}: nothing can be opened any more`);
      session.close(resetCode.protocolError);
      t.equal(session.streamCount, 0, `${row.says}: nothing is left`);
      t.equal(session.heldBytes, 0, `${row.says}: nothing is held`);
    }
    t.end();
  });
}

test('a flood is one only while its answers wait: who reads them may ping for ever', (t) => {
  const session = new MuxSession({ nowMs: 0, handler: new Recorder(), role: 'server' });
  for (let i = 0; i < 5_000; i++) {
    session.receive(ping, 0);
    if (i % 1_000 === 999) t.equal(framesOf(takeAll(session)).length, 1_000);
  }
  t.end();
});

test('a violation of another session that a handler lets through is not blamed on this peer', (t) => {
  const other = new MuxSession({ nowMs: 0, handler: new Recorder(), role: 'server' });
  const user = new Recorder();
  user.react = () => other.receive(bytesOf('01 00 0000 00000000 00000000'), 0);
  const session = new MuxSession({ nowMs: 0, handler: user, role: 'server' });
  t.throws(() => session.receive(bytesOf(syn1), 0), { code: 'bad_version' });
  t.notOk(session.goingAway);
  t.end();
});

function violationOf(action: () => void): MuxViolation | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof MuxViolation) return error;
    throw error;
  }
  return undefined;
}
