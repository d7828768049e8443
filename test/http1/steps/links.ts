/** The same for what a link carries: yamux frames, control messages, and the query of the upgrade. */
import { AskViolation, readAsk } from '../../../shared/protocol/ask.ts';
import { ControlViolation } from '../../../shared/protocol/control-violation.ts';
import { readControl } from '../../../shared/protocol/control.ts';
import { MuxSession } from '../../../shared/mux/session.ts';
import type { SessionHandler } from '../../../shared/mux/session.ts';
import type { MuxStream } from '../../../shared/mux/stream.ts';
import type { StreamHandler } from '../../../shared/mux/stream-handler.ts';
import { MuxViolation } from '../../../shared/mux/violation.ts';
import { dataFrame, header } from '../../mux/wire.ts';
import { filled, SIZES } from './source.ts';
import type { Feed, Source } from './source.ts';

/** Takes every stream and consumes at once what comes. */
class Consumer implements SessionHandler, StreamHandler {
  onStream(stream: MuxStream): void {
    stream.handler = this;
  }
  onData(stream: MuxStream, bytes: Uint8Array): void {
    stream.consume(bytes.length);
  }
  onOutput(): void {}
  onGoAway(): void {}
  onIdsLow(): void {}
  onEnd(stream: MuxStream): void {
    stream.end();
  }
  onReset(): void {}
  onWritable(): void {}
}

/** What the session has to say is taken after each piece, as a link does. */
function feedSession(pieces: readonly Uint8Array[]): string {
  const session = new MuxSession({ role: 'server', nowMs: 0, handler: new Consumer(), random: () => 0.5 });
  const output = new Uint8Array(65_536);
  try {
    for (const piece of pieces) {
      session.receive(piece, 0);
      while (session.takeOutput(output) > 0);
    }
  } catch (error) {
    if (!(error instanceof MuxViolation)) throw error;
    return error.code;
  }
  session.close(0);
  return 'taken';
}

const SYN = 1;
const ACK = 2;
const FIN = 4;
const RST = 8;
const DATA = 0;
const UPDATE = 1;
const PING = 2;
const open = header(DATA, SYN, 1, 0);
const nothing = new Uint8Array(0);

/** `frameOf(0)`, `frameOf(1)` and so on behind `before`, up to `size` bytes. */
function frames(before: Uint8Array, size: number, frameOf: (count: number) => Uint8Array): Uint8Array {
  const parts = [before];
  let length = before.length;
  for (let count = 0; ; count++) {
    const frame = frameOf(count);
    length += frame.length;
    if (length > size) return new Uint8Array(Buffer.concat(parts));
    parts.push(frame);
  }
}

/** The nth id that a client gives. */
const idOf = (count: number): number => count * 2 + 1;

const sessions: readonly (readonly [
  name: string,
  before: Uint8Array,
  frameOf: (count: number) => Uint8Array,
])[] = [
  ['empty data frames', open, () => header(DATA, 0, 1, 0)],
  ['data frames of one byte', open, () => dataFrame(0, 1, new Uint8Array(1))],
  ['pings', nothing, (count) => header(PING, SYN, 0, count)],
  ['answers to pings that nobody sent', nothing, (count) => header(PING, ACK, 0, count)],
  ['window updates', open, () => header(UPDATE, 0, 1, 1)],
  ['empty window updates', open, () => header(UPDATE, 0, 1, 0)],
  ['streams', nothing, (count) => header(DATA, SYN, idOf(count), 0)],
  ['streams that end at once', nothing, (count) => header(DATA, SYN | FIN, idOf(count), 0)],
  ['streams with a byte', nothing, (count) => dataFrame(SYN, idOf(count), new Uint8Array(1))],
  [
    'streams opened and reset',
    nothing,
    (count) => header(UPDATE, count % 2 === 0 ? SYN : RST, idOf(count >> 1), 0),
  ],
  ['frames for a stream that is over', header(DATA, SYN | RST, 1, 0), () => header(DATA, 0, 1, 0)],
  ['GoAways', nothing, () => header(3, 0, 0, 0)],
  ['one large frame', Buffer.concat([open, header(DATA, 0, 1, 60_000)]), () => new Uint8Array(1)],
];

function feedText(read: (text: string) => unknown): Feed {
  return (pieces) => {
    try {
      return read(Buffer.concat(pieces).toString('latin1')) === undefined ? 'ignored' : 'read';
    } catch (error) {
      if (!(error instanceof ControlViolation) && !(error instanceof AskViolation)) throw error;
      return error.code;
    }
  };
}

const hello = '{"kind":"hello","version":"1","instance":"i","backend":"b","options":{},';
const texts: readonly (readonly [
  name: string,
  before: string,
  unit: string,
  behind: string,
  read: (text: string) => unknown,
])[] = [
  ['control: brackets', '', '[', '', readControl],
  ['control: brackets that close', '[', '[],', '1]', readControl],
  ['control: a long kind', '{"kind":"', 'a', '"}', readControl],
  ['control: escapes', '{"kind":"', '\\u0061', '"}', readControl],
  ['control: many fields', '{', '"a":1,', '"kind":"x"}', readControl],
  ['control: many hosts', `${hello}"paths":[],"hosts":[`, '"a",', '"b"]}', readControl],
  ['control: a long host', `${hello}"paths":[],"hosts":["`, 'a.', 'a"]}', readControl],
  ['control: a host of hyphens', `${hello}"paths":[],"hosts":["`, '-', '"]}', readControl],
  ['control: a long path', `${hello}"hosts":[],"paths":["/`, '/', '"]}', readControl],
  ['control: a long token', '{"kind":"renew","token":"', 'a', '"}', readControl],
  ['ask: ampersands', 'backend=b', '&', '', readAsk],
  ['ask: many hosts', 'backend=b', '&host=a', '', readAsk],
  ['ask: a long host', 'backend=b&host=', 'a.', 'a', readAsk],
  ['ask: escapes', 'backend=b&path=/', '%2F', '', readAsk],
  ['ask: percents', 'backend=b&path=', '%', '', readAsk],
];

export const links: readonly Source[] = [
  ...sessions.map(([name, before, frameOf]): Source => ({
    name: `mux: ${name}`,
    sizes: SIZES,
    make: (size) => ({ bytes: frames(before, size, frameOf), feed: feedSession }),
  })),
  ...texts.map(([name, before, unit, behind, read]): Source => ({
    name,
    // A text message comes whole, and one over 64 KiB is refused unread.
    sizes: SIZES,
    isWhole: true,
    make: (size) => ({ bytes: filled(before, unit, behind, size), feed: feedText(read) }),
  })),
];
