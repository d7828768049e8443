/**
 * The order of what goes out: GoAway, ping, answers, then the streams' urgent frames (RST, window updates, ACKs), then the
 * streams' data in turns of a few frames. It decides who is next and never what they say.
 */
import type { Answers } from './answers.ts';
import { Fifo } from './fifo.ts';
import { frameFlag, frameType, headerBytes, maxDataBytes, writeHeader } from './frame.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { MuxStream } from './stream.ts';

/** A data frame is cut to fit the rest of the output, but not into less than this: crumbs cost more than the space they fill. */
const minFragmentBytes = 1_024;
/**
 * What a stream may say in one turn, in frames of 16 KiB: whoever gets them writes them on at once, and one write of 64 KiB
 * costs little more than one of 16. The next stream waits for it a quarter of a millisecond on a link of 2 Gbit/s.
 */
const turnBytes = 64 * 1024;

export class Scheduler {
  readonly #answers: Answers;
  readonly #heartbeat: Heartbeat;
  readonly #onOutput: (mayWait: boolean) => void;
  readonly #urgent = new Fifo<MuxStream>();
  readonly #turns = new Fifo<MuxStream>();
  /** With an RST for which nobody waits. */
  readonly #patient = new Fifo<MuxStream>();
  #goAwayCode: number | undefined = undefined;
  /** The user knows that there is output and has not yet seen the end of it. */
  #isAnnounced = false;
  #isSilenced = false;

  constructor(answers: Answers, heartbeat: Heartbeat, onOutput: (mayWait: boolean) => void) {
    this.#answers = answers;
    this.#heartbeat = heartbeat;
    this.#onOutput = onOutput;
  }

  get hasOutput(): boolean {
    return this.#hasPressing || (this.#patient.size > 0 && !this.#isSilenced);
  }

  get patientCount(): number {
    return this.#patient.size;
  }

  get #hasPressing(): boolean {
    if (this.#goAwayCode !== undefined) return true;
    if (this.#isSilenced) return false;
    return (
      this.#heartbeat.isPingDue || this.#answers.size > 0 || this.#urgent.size > 0 || this.#turns.size > 0
    );
  }

  wantTurn(stream: MuxStream): void {
    this.#turns.join(stream.turn);
    this.announce();
  }

  wantUrgent(stream: MuxStream): void {
    this.#urgent.join(stream.urgent);
    this.announce();
  }

  /** Goes with whatever is said next, or by itself when the user has waited for that long enough. */
  wantPatient(stream: MuxStream): void {
    this.#patient.join(stream.urgent);
    if (!this.#isAnnounced) this.#onOutput(true);
  }

  goAway(code: number): void {
    this.#goAwayCode = code;
    this.announce();
  }

  /** The peer broke the protocol: nothing but this goes out any more. */
  fail(code: number): void {
    this.#isSilenced = true;
    this.goAway(code);
  }

  /** There is nobody left to say anything to. */
  close(): void {
    this.#isSilenced = true;
    this.#goAwayCode = undefined;
  }

  /** Tells the user, once until `take` has returned 0, if there is output that waits for nothing. */
  announce(): void {
    if (this.#isAnnounced || !this.#hasPressing) return;
    this.#isAnnounced = true;
    this.#onOutput(false);
  }

  /** Fills `into` with whole frames; returns how many bytes, 0 when there is nothing to say. */
  take(into: Uint8Array): number {
    if (into.length < headerBytes + maxDataBytes) throw new Error('output buffer smaller than one frame');
    let at = this.#writeGoAway(into, 0);
    if (!this.#isSilenced) {
      at = this.#writePing(into, at);
      at = this.#answers.write(into, at);
      at = this.#writeUrgent(this.#patient, into, at);
      at = this.#writeUrgent(this.#urgent, into, at);
      at = this.#writeTurns(into, at);
    }
    if (at === 0) this.#isAnnounced = false;
    return at;
  }

  #writeGoAway(into: Uint8Array, at: number): number {
    if (this.#goAwayCode === undefined) return at;
    const code = this.#goAwayCode;
    this.#goAwayCode = undefined;
    return writeHeader(into, at, frameType.goAway, 0, 0, code);
  }

  #writePing(into: Uint8Array, at: number): number {
    if (!this.#heartbeat.isPingDue) return at;
    return writeHeader(into, at, frameType.ping, frameFlag.syn, 0, this.#heartbeat.takePing());
  }

  #writeUrgent(streams: Fifo<MuxStream>, into: Uint8Array, at: number): number {
    let end = at;
    while (into.length - end >= headerBytes) {
      const place = streams.first;
      if (place === undefined) break;
      streams.remove(place);
      end = place.holder.writeUrgent(into, end);
    }
    return end;
  }

  #writeTurns(into: Uint8Array, at: number): number {
    let end = at;
    for (;;) {
      const place = this.#turns.first;
      if (place === undefined) break;
      const stream = place.holder;
      if (into.length - end < headerBytes + Math.min(stream.queuedBytes, minFragmentBytes)) break;
      this.#turns.remove(place);
      const turnEnd = end + turnBytes;
      do end = stream.writeTurn(into, end);
      while (stream.hasTurn && end < turnEnd && into.length - end >= headerBytes + minFragmentBytes);
      if (stream.hasTurn) this.#turns.join(place);
      stream.offerRoom();
    }
    return end;
  }
}
