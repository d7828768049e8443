/** Every frame type with every flag it may carry, as bytes: what a session makes of them and what it says to them. */
import { test } from 'tap';
import { MuxSession } from '../../shared/mux/session.ts';
import { Recorder } from './recorder.ts';
import { bytesOf, takeAll } from './wire.ts';
import { livingRows } from './wire-living.ts';
import { openingRows } from './wire-opening.ts';

const rows = [...openingRows, ...livingRows];

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
