/**
 * Links: a session that is fed frames of nobody's making, and two sessions that talk over a line that cuts, delays and, if it is
 * chosen to, corrupts.
 * Choices: the first byte's lowest two bits say which, the third who is fed; the second byte is the size of the pieces.
 */
import { MuxSession } from '../../../shared/mux/session.ts';
import { MuxViolation } from '../../../shared/mux/violation.ts';
import { Recorder } from '../../mux/recorder.ts';
import { dataFrame, framesOf, header, takeAll } from '../../mux/wire.ts';
import { playPair } from '../mux-pair.ts';
import type { Random } from '../random.ts';
import { inPieces, mustBeSame, seedOf } from '../target.ts';
import type { Target } from '../target.ts';

const CHOICES = 2;
const SCRIPT_BYTES = 120;
const SCRIPTS = 30;

interface Heard {
  readonly told: readonly string[];
  readonly said: readonly string[];
  readonly violation: string | undefined;
}

/** A session with a stream of its own, whose user answers and ends, is fed these pieces. */
function feed(role: 'client' | 'server', pieces: readonly Uint8Array[]): Heard {
  const user = new Recorder();
  const session = new MuxSession({ role, nowMs: 0, handler: user, maxInboundStreams: 4, random: () => 0.5 });
  user.react = (event, stream) => {
    if (event === 'stream' && stream.id % 8 > 5) stream.reset(7);
    if (event === 'end') stream.end();
  };
  session.open(user)?.write(new Uint8Array(3));
  takeAll(session);
  let violation: string | undefined;
  try {
    for (const piece of pieces) session.receive(piece, 0);
  } catch (error) {
    if (!(error instanceof MuxViolation)) throw error;
    violation = error.code;
  }
  const said = framesOf(takeAll(session));
  if (violation !== undefined) mustBeSame(said, ['goaway 1'], 'said after a violation');
  const told = [...user.events];
  mustBeOrderly(told);
  session.close(0);
  mustBeSame([session.streamCount, session.heldBytes, session.hasOutput], [0, 0, false], 'what is left');
  return { told, said, violation };
}

/** Behind a stream's end there is no data, and behind its reset nothing. */
function mustBeOrderly(told: readonly string[]): void {
  const ended = new Set<string>();
  const reset = new Set<string>();
  for (const event of told) {
    const [what = '', id = ''] = event.split(' ', 2);
    if (what === 'goaway') continue;
    // An id that is over may be opened anew: yamux does not forbid it.
    if (what === 'stream') for (const over of [ended, reset]) over.delete(id);
    if (reset.has(id) || (ended.has(id) && (what === 'data' || what === 'end')))
      throw new Error(`told too late: ${event}`);
    if (what === 'end') ended.add(id);
    if (what === 'reset') reset.add(id);
  }
}

function play(bytes: Uint8Array): void {
  const [choices = 0, pieceBytes = 0] = bytes;
  const input = bytes.subarray(CHOICES);
  if ((choices & 3) !== 0) {
    playPair(input, (choices & 3) === 3);
    return;
  }
  const role = (choices & 4) === 0 ? 'server' : 'client';
  const whole = feed(role, [input]);
  const cut = feed(role, inPieces(input, pieceBytes));
  mustBeSame([cut.told, cut.said, cut.violation], [whole.told, whole.said, whole.violation], 'cut');
}

/** What a peer says on ids of its own, and what it answers to ours. */
function recorded(parity: number): Uint8Array[] {
  const [one, two, ours] = [2 - parity, 4 - parity, 1 + parity];
  const text = new Uint8Array(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  const frames: readonly Uint8Array[][] = [
    [header(1, 1, one, 0), dataFrame(0, one, text), header(0, 4, one, 0)],
    [header(1, 1, one, 1_000), dataFrame(0, one, text), header(1, 8, one, 1)],
    [dataFrame(1, one, text), dataFrame(1, two, text), dataFrame(4, one, text), header(1, 8, two, 0)],
    [header(2, 1, 0, 7), header(2, 2, 0, 7), header(1, 1, one, 0), header(1, 0, one, 65_536)],
    [header(1, 2, ours, 0), dataFrame(0, ours, text), header(1, 4, ours, 0), header(1, 0, ours, 3)],
    [header(1, 1, one, 0), header(3, 0, 0, 0), dataFrame(4, one, text), header(2, 1, 0, 1)],
    [header(1, 9, one, 0), dataFrame(0, one, text), header(1, 5, two, 0)],
  ];
  return frames.map((list) => Buffer.concat(list));
}

function scriptOf(random: Random): Uint8Array {
  return Uint8Array.from({ length: SCRIPT_BYTES }, () => random.below(256));
}

function seeds(random: Random): Uint8Array[] {
  const frames = [0, 1].flatMap((parity) =>
    recorded(parity).map((bytes) => seedOf([parity === 1 ? 0 : 4, random.below(20)], bytes)),
  );
  const scripts = Array.from({ length: SCRIPTS }, () =>
    seedOf([random.pick([1, 1, 3]), 0], scriptOf(random)),
  );
  return [...frames, ...scripts];
}

const word = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

export const mux: Target = {
  name: 'mux',
  words: [
    ...[1, 2, 3, 4].flatMap((id) => [
      header(0, 0, id, 0),
      header(0, 1, id, 5),
      header(0, 4, id, 0),
      header(1, 8, id, 1),
      header(1, 1, id, 0),
    ]),
    header(2, 1, 0, 1),
    header(2, 2, 0, 1),
    header(3, 0, 0, 0),
    header(1, 0, 1, 0xffff_ffff),
    header(0, 0, 1, 0xffff_ffff),
    header(0, 0, 0, 0),
    Uint8Array.of(0),
    Uint8Array.of(0xff),
    Uint8Array.of(0, 0, 0, 0),
    Uint8Array.of(0, 0, 0, 1),
    Uint8Array.of(0, 4, 0, 0),
    word(Uint8Array.of(12, 1, 14, 255)),
  ],
  seeds,
  play,
};
