/**
 * Two sessions and a line between them, led by a script of bytes: whatever both users do and however the line cuts, every byte arrives
 * once and in order and every bound holds. With a corrupt line the two may part with a violation, and with nothing else.
 */
import { MuxSession } from '../../shared/mux/session.ts';
import type { SessionHandler } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { StreamHandler } from '../../shared/mux/stream-handler.ts';
import { MuxViolation } from '../../shared/mux/violation.ts';

const MAX_QUEUED_BYTES = 20_000;
/** What a longer script shows, a shorter one shows too. */
const MAX_SCRIPT_BYTES = 240;
const MAX_STREAMS = 5;
const STEP_MS = 50;
const MAX_ROUNDS_AT_END = 2_000;

/** The nth byte of what one end of a stream says. */
const patternAt = (id: number, side: number, n: number): number =>
  (n * 5 + (n >>> 9) + id * 11 + side * 77) & 0xff;

class End implements StreamHandler {
  readonly side: number;
  stream: MuxStream | undefined;
  said = 0;
  heard = 0;
  owed = 0;
  hasEnded = false;
  isReset = false;
  hasHeardEnd = false;
  /** Bytes of a corrupt line need not be right. */
  checks = true;

  constructor(side: number, checks: boolean) {
    this.side = side;
    this.checks = checks;
  }

  write(length: number): void {
    const { stream } = this;
    if (stream === undefined || this.hasEnded || this.isReset) return;
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = patternAt(stream.id, this.side, this.said + at);
    const room = stream.writableBytes;
    const taken = stream.write(bytes);
    if (taken !== Math.min(room, length))
      throw new Error(`room for ${room}, and ${taken} of ${length} taken`);
    this.said += taken;
  }

  consume(): void {
    const { owed } = this;
    this.owed = 0;
    if (!this.isReset) this.stream?.consume(owed);
  }

  end(): void {
    this.hasEnded = true;
    this.stream?.end();
  }

  reset(): void {
    if (this.stream?.isOver === false) this.isReset = true;
    this.stream?.reset(1);
  }

  onData(stream: MuxStream, bytes: Uint8Array): void {
    if (this.isReset || this.hasHeardEnd || bytes.length === 0) throw new Error('data that nobody waits for');
    for (const byte of bytes) {
      if (this.checks && byte !== patternAt(stream.id, 1 - this.side, this.heard))
        throw new Error(`byte ${this.heard} is wrong`);
      this.heard += 1;
    }
    this.owed += bytes.length;
  }

  onEnd(): void {
    if (this.isReset || this.hasHeardEnd) throw new Error('a second end');
    this.hasHeardEnd = true;
  }

  onReset(): void {
    if (this.isReset) throw new Error('a second reset');
    this.isReset = true;
  }

  onWritable(stream: MuxStream): void {
    if (stream.writableBytes === 0) throw new Error('writable without room');
  }
}

class Side implements SessionHandler {
  readonly session: MuxSession;
  readonly ends: End[] = [];
  readonly side: number;
  readonly #checks: boolean;
  readonly #output = new Uint8Array(32_768);
  line: Uint8Array = new Uint8Array(0);
  isBroken = false;

  constructor(side: number, checks: boolean) {
    this.side = side;
    this.#checks = checks;
    this.session = new MuxSession({
      role: side === 0 ? 'client' : 'server',
      handler: this,
      nowMs: 0,
      random: () => 0.5,
      maxQueuedBytes: MAX_QUEUED_BYTES,
      maxInboundStreams: MAX_STREAMS,
      maxOutboundStreams: MAX_STREAMS,
    });
  }

  open(): void {
    const end = new End(this.side, this.#checks);
    end.stream = this.session.open(end);
    if (end.stream !== undefined) this.ends.push(end);
  }

  onStream(stream: MuxStream): void {
    const end = new End(this.side, this.#checks);
    end.stream = stream;
    stream.handler = end;
    this.ends.push(end);
  }

  onOutput(): void {}
  onGoAway(): void {}
  onIdsLow(): void {}

  say(): void {
    const into = this.#output;
    for (let taken = this.session.takeOutput(into); taken > 0; taken = this.session.takeOutput(into)) {
      this.line = Buffer.concat([this.line, into.subarray(0, taken)]);
    }
  }

  hear(from: Side, length: number, nowMs: number): void {
    const bytes = from.line.subarray(0, length);
    from.line = from.line.subarray(bytes.length);
    if (bytes.length === 0) return;
    try {
      this.session.receive(bytes, nowMs);
    } catch (error) {
      if (!(error instanceof MuxViolation)) throw error;
      if (this.#checks) throw new Error(`a violation on a sound line: ${error.code}`, { cause: error });
      this.isBroken = true;
    }
  }

  check(): void {
    let held = 0;
    for (const { stream } of this.ends) {
      if (stream === undefined) continue;
      if (stream.queuedBytes > MAX_QUEUED_BYTES) throw new Error('more queued than the bound');
      if (!stream.isOver) held += stream.queuedBytes + stream.unconsumedBytes;
    }
    if (held !== this.session.heldBytes) throw new Error(`holds ${held}, says ${this.session.heldBytes}`);
    if (this.session.streamCount > 2 * MAX_STREAMS) throw new Error('more streams than the bound');
  }
}

/** Each step is two bytes: what is done, and how much. */
export function playPair(wholeScript: Uint8Array, corrupts: boolean): void {
  const script = wholeScript.subarray(0, MAX_SCRIPT_BYTES);
  const sides = [new Side(0, !corrupts), new Side(1, !corrupts)] as const;
  let nowMs = 0;
  for (let at = 0; at + 1 < script.length; at += 2) {
    const [what = 0, amount = 0] = script.subarray(at, at + 2);
    const [me, other] = (what & 1) === 0 ? sides : ([sides[1], sides[0]] as const);
    const end = me.ends[me.ends.length - 1 - (amount % Math.max(1, me.ends.length))];
    nowMs += step(what >> 1, amount, me, other, end, nowMs, corrupts);
    for (const side of sides) side.check();
  }
  if (!corrupts) settle(sides, nowMs);
  for (const side of sides) {
    side.session.close(0);
    if (side.session.streamCount + side.session.heldBytes !== 0) throw new Error('something is left');
  }
}

/** Gives the milliseconds that pass. */
function step(
  what: number,
  amount: number,
  me: Side,
  other: Side,
  end: End | undefined,
  nowMs: number,
  corrupts: boolean,
): number {
  switch (what % 9) {
    case 0:
      me.open();
      return 0;
    case 1:
      end?.write(amount * 3);
      return 0;
    case 2:
      end?.write(amount * 80);
      return 0;
    case 3:
      end?.consume();
      return 0;
    case 4:
      if (amount % 4 === 0) end?.end();
      else if (amount % 16 === 1) end?.reset();
      return 0;
    case 5:
      me.session.tick(nowMs + amount);
      return amount;
    case 6:
      me.say();
      return 0;
    case 7:
      me.hear(other, amount * (amount < 128 ? 1 : 400), nowMs);
      return 0;
    default:
      if (corrupts && other.line.length > 0) {
        const line = Uint8Array.from(other.line);
        line[amount % line.length] = amount;
        other.line = line;
      }
      return 1;
  }
}

/** Lets all of it arrive, and looks whether it is right and whole. */
function settle(sides: readonly [Side, Side], startMs: number): void {
  let nowMs = startMs;
  for (const side of sides) for (const end of side.ends) end.end();
  for (let round = 0, idle = 0; idle < 3; round++) {
    if (round > MAX_ROUNDS_AT_END) throw new Error('it does not come to an end');
    nowMs += STEP_MS;
    for (const side of sides) {
      for (const end of side.ends) {
        end.consume();
        if (!end.hasEnded) end.end();
      }
      side.session.tick(nowMs);
      side.say();
    }
    idle = sides[0].line.length + sides[1].line.length === 0 ? idle + 1 : 0;
    sides[0].hear(sides[1], Infinity, nowMs);
    sides[1].hear(sides[0], Infinity, nowMs);
  }
  for (const [me, other] of [sides, [sides[1], sides[0]]] as const) {
    if (me.session.streamCount + me.session.heldBytes !== 0) throw new Error('streams are left at the end');
    for (const end of me.ends) {
      const twin = other.ends.find(({ stream }) => stream?.id === end.stream?.id);
      if (end.isReset || twin?.isReset === true) continue;
      if (!end.hasHeardEnd || end.heard !== twin?.said)
        throw new Error(`heard ${end.heard} of ${twin?.said}`);
    }
  }
}
