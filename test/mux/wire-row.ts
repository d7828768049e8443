/** A row of the wire tests: what comes before, the bytes, what they cause. And the steps that rows are made of. */
import { resetCode } from '../../shared/mux/codes.ts';
import type { MuxSession } from '../../shared/mux/session.ts';
import type { Recorder } from './recorder.ts';
import { takeAll } from './wire.ts';

export type Step = (session: MuxSession, user: Recorder) => void;

export interface Row {
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

export const hello = Buffer.from('hello');

/** A client's stream 1, its SYN on the wire. */
export const opened: Step = (session, user) => {
  const stream = session.open(user);
  if (stream === undefined) throw new Error('not opened');
  user.streams.set(stream.id, stream);
  takeAll(session);
};
export const openedAndEnded: Step = (session, user) => {
  opened(session, user);
  user.streams.get(1)?.end();
  takeAll(session);
};
export const room: Step = (_, user) => user.events.push(`room ${user.streams.get(1)?.writableBytes}`);
export const write: Step = (_, user) => void user.streams.get(1)?.write(hello);
export const end: Step = (_, user) => user.streams.get(1)?.end();
export const reset: Step = (_, user) => user.streams.get(1)?.reset(resetCode.overloaded);
export const open: Step = (session, user) => {
  const stream = session.open(user);
  if (stream !== undefined) user.streams.set(stream.id, stream);
};
export const all =
  (...steps: Step[]): Step =>
  (session, user) => {
    for (const step of steps) step(session, user);
  };

export const syn = '00 00 0001 00000001 00000005 68656c6c6f';
