/**
 * A yamux session without I/O: bytes and time in, callbacks and bytes out. It is the door of this room; here only its parts are
 * put together and what concerns the session as a whole (going away, failing, closing) is decided.
 * What inbound frames do is the receiver's, what goes out when the scheduler's, which streams are alive the table's.
 */
import { Answers } from './answers.ts';
import type { GoAwayCode, ResetCode } from './codes.ts';
import { DelayedAcks } from './delayed-acks.ts';
import { Heartbeat } from './heartbeat.ts';
import { MemoryBudget, queueBytes } from './memory-budget.ts';
import { Receiver } from './receiver.ts';
import { Scheduler } from './scheduler.ts';
import type { MuxStream } from './stream.ts';
import type { StreamHandler } from './stream-handler.ts';
import { StreamTable } from './table.ts';
import type { StalledWindows } from './table.ts';
import { initialWindowBytes, WindowBudget } from './window.ts';

export type { StreamHandler } from './stream-handler.ts';
export type { StalledWindows } from './table.ts';

export interface SessionHandler {
  /** The peer opened a stream. Set `stream.handler` before returning; a stream left without one is reset `refused`. */
  onStream(stream: MuxStream): void;
  /**
   * There is output to take where there was none: called once, until `takeOutput` has returned 0. `mayWait`: nobody waits for
   * it, so it may go with the next output, or by itself some milliseconds later; called again when there is other output.
   */
  onOutput(mayWait: boolean): void;
  /** The peer will take no new streams. Called once; the code is the peer's, known (`goAwayCode`) or not. */
  onGoAway(code: number): void;
  /** Once, long before our ids run out: say goAway, a new link is due. */
  onIdsLow(): void;
}

export interface SessionOptions {
  /** A client opens odd ids, a server even ones. */
  readonly role: 'client' | 'server';
  readonly handler: SessionHandler;
  /** Of any clock that only goes forward; every later time is of the same clock. */
  readonly nowMs: number;
  /** Streams of the peer at a time; a SYN beyond is answered RST refused. 0: none at all. Default 4,096. */
  readonly maxInboundStreams?: number;
  /** Streams of ours at a time; `open` gives undefined beyond. Default 4,096. */
  readonly maxOutboundStreams?: number;
  /** What a receive window may grow to; never under the spec's 256 KiB, with which it starts. Default 16 MiB. */
  readonly maxWindowBytes?: number;
  /** Bounds the sum of what windows grow. Default: 64 MiB of this session's own. */
  readonly budget?: WindowBudget;
  /** Of the whole program: a stream that it has no room for is not opened, and one of the peer's refused. Default: without end. */
  readonly memory?: MemoryBudget;
  /** Per stream, taken by `write` and not yet framed. Default 128 KiB. */
  readonly maxQueuedBytes?: number;
  /** Silence after which a ping goes, ± 10 %. Default 10 s. */
  readonly pingAfterMs?: number;
  /** Silence after which the peer counts as dead. Default 20 s. */
  readonly deadAfterMs?: number;
  /** How long an ACK waits for a frame to ride on. Default 200 ms. */
  readonly ackDelayMs?: number;
  /** 0 up to 1, for the jitter of pings. */
  readonly random?: () => number;
  /** Our first id, of our parity. Default 1 or 2. */
  readonly firstStreamId?: number;
  /** The id from which on `onIdsLow` is called. Default 2^31. */
  readonly idsLowAt?: number;
}

/** 4,096 streams whose peer fills every initial window and whose reader never reads hold 1 GiB: the worst a link can do. */
const defaultMaxStreams = 4_096;

export class MuxSession {
  readonly #handler: SessionHandler;
  readonly #heartbeat: Heartbeat;
  readonly #scheduler: Scheduler;
  readonly #delayedAcks: DelayedAcks;
  readonly #table: StreamTable;
  readonly #receiver: Receiver;
  readonly #idsLowAt: number;
  #hasToldIdsLow = false;
  #isGoingAway = false;
  #hasFailed = false;
  #isPeerGoingAway = false;
  #isReceiving = false;
  #isClosed = false;

  constructor(options: SessionOptions) {
    const {
      handler,
      pingAfterMs = 10_000,
      deadAfterMs = 20_000,
      random = Math.random,
      ackDelayMs = 200,
    } = options;
    const parity = options.role === 'client' ? 1 : 0;
    const firstStreamId = options.firstStreamId ?? (parity === 1 ? 1 : 2);
    if (firstStreamId % 2 !== parity || firstStreamId < 1)
      throw new Error(`first stream id ${firstStreamId} is not ours`);
    const maxWindowBytes = Math.max(initialWindowBytes, options.maxWindowBytes ?? 16_777_216);
    const answers = new Answers();
    this.#handler = handler;
    this.#idsLowAt = options.idsLowAt ?? 0x8000_0000;
    this.#heartbeat = new Heartbeat(pingAfterMs, deadAfterMs, random, options.nowMs);
    this.#scheduler = new Scheduler(answers, this.#heartbeat, (mayWait) => handler.onOutput(mayWait));
    this.#delayedAcks = new DelayedAcks(ackDelayMs, (stream) => this.#scheduler.wantUrgent(stream));
    this.#table = new StreamTable(
      {
        maxInboundStreams: options.maxInboundStreams ?? defaultMaxStreams,
        maxOutboundStreams: options.maxOutboundStreams ?? defaultMaxStreams,
        maxQueuedBytes: options.maxQueuedBytes ?? queueBytes.wide,
        maxWindowBytes,
        budget: options.budget ?? new WindowBudget(67_108_864),
        memory: options.memory ?? new MemoryBudget(Infinity),
        firstStreamId,
      },
      this.#scheduler,
      this.#heartbeat,
      this.#delayedAcks,
    );
    const receiverHandler = {
      onStream: (stream: MuxStream) => handler.onStream(stream),
      onGoAway: (code: number) => this.#acceptGoAway(code),
    };
    this.#receiver = new Receiver(this.#table, answers, this.#heartbeat, receiverHandler, maxWindowBytes);
  }

  /** Streams that are not over, and those whose RST has not left yet. */
  get streamCount(): number {
    return this.#table.size;
  }

  /** Of these, streams that are done, and only wait for company to say so. */
  get patientCount(): number {
    return this.#scheduler.patientCount;
  }

  /** We said that we take no new streams. */
  get goingAway(): boolean {
    return this.#isGoingAway;
  }

  /** The peer has said that it knows of narrow streams, and how many wide ones it has room for on this link. */
  set peerWideStreams(count: number) {
    this.#table.peerWideStreams = count;
  }

  get peerGoingAway(): boolean {
    return this.#isPeerGoingAway;
  }

  /** When the last bytes came. */
  get heardMs(): number {
    return this.#heartbeat.heardMs;
  }

  /** Of the last ping; undefined before the first answer. */
  get rttMs(): number | undefined {
    return this.#heartbeat.rttMs;
  }

  /** Queued and not yet framed, and delivered and not yet consumed, of all streams that are not over. */
  get heldBytes(): number {
    return this.#table.heldBytes;
  }

  /** Looks at every stream: for whoever watches, not for the data path. */
  countStalled(): StalledWindows {
    return this.#table.countStalled();
  }

  get hasOutput(): boolean {
    return this.#scheduler.hasOutput;
  }

  /** When `tick` is due next; Infinity: never. */
  get nextDeadlineMs(): number {
    if (this.#isClosed) return Infinity;
    return Math.min(this.#heartbeat.nextDeadlineMs, this.#delayedAcks.nextDeadlineMs);
  }

  /**
   * Takes what came from the peer, cut anywhere. After a violation or `close` everything is ignored.
   * @throws MuxViolation with a GoAway waiting to be taken; the streams live until `close`.
   */
  receive(bytes: Uint8Array, nowMs: number): void {
    if (this.#isReceiving) throw new Error('receive called from within receive');
    if (this.#receiver.isStopped) return;
    this.#isReceiving = true;
    try {
      this.#heartbeat.heard(nowMs);
      this.#receiver.receive(bytes);
      this.#heartbeat.measure();
      this.#scheduler.announce();
    } catch (error) {
      // Its own, which stopped it: a handler may let another session's pass through.
      const violation = this.#receiver.violation;
      if (violation !== undefined) this.#fail(violation.answer);
      throw error;
    } finally {
      this.#isReceiving = false;
    }
  }

  /** Bytes have come that make no frame yet, or none of ours: the peer lives. */
  heard(nowMs: number): void {
    this.#heartbeat.heard(nowMs);
  }

  /**
   * Undefined: the peer is going away, our ids or the memory are used up, or too many of our streams are alive. Our own GoAway ends what
   * the peer may open, not what we may (spec, "Go Away").
   */
  open(handler: StreamHandler): MuxStream | undefined {
    if (this.#isPeerGoingAway || this.#hasFailed || this.#isClosed) return undefined;
    const stream = this.#table.open(handler);
    if (this.#table.nextId >= this.#idsLowAt && !this.#hasToldIdsLow) {
      this.#hasToldIdsLow = true;
      this.#handler.onIdsLow();
    }
    return stream;
  }

  /**
   * Fills `into` (at least 16 KiB + 12) with whole frames in wire order, as many as fit; returns the bytes written, 0 when
   * there is nothing to say. Copies each payload byte once.
   */
  takeOutput(into: Uint8Array): number {
    return this.#scheduler.take(into);
  }

  /** Pings, delayed ACKs; 'dead' when the peer has been silent for too long, or the session is closed. */
  tick(nowMs: number): 'alive' | 'dead' {
    if (this.#isClosed) return 'dead';
    const verdict = this.#heartbeat.tick(nowMs);
    this.#delayedAcks.tick(nowMs);
    this.#scheduler.announce();
    return verdict;
  }

  /** Takes no new streams and tells the peer; those that are alive finish. Idempotent: the first code stands. */
  goAway(code: number): void {
    if (this.#isGoingAway || this.#isClosed) return;
    this.#isGoingAway = true;
    this.#receiver.isRefusing = true;
    this.#scheduler.goAway(code);
  }

  /** Asks the peer for an answer: when `isAnswered`, all that was said before has been heard, and all it said before is here. */
  ask(nowMs: number): void {
    if (this.#isClosed) return;
    this.#heartbeat.ask(nowMs);
    this.#scheduler.announce();
  }

  get isAnswered(): boolean {
    return !this.#heartbeat.isAnswerAwaited;
  }

  /**
   * The link is gone: every stream's `onReset(code)`, or `refused` where its SYN has not left, then nothing more is
   * called. Idempotent.
   */
  close(code: ResetCode): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#receiver.stop();
    this.#scheduler.close();
    this.#table.resetAll(code);
  }

  #fail(code: GoAwayCode): void {
    this.#isGoingAway = true;
    this.#hasFailed = true;
    this.#scheduler.fail(code);
  }

  #acceptGoAway(code: number): void {
    if (this.#isPeerGoingAway) return;
    this.#isPeerGoingAway = true;
    this.#handler.onGoAway(code);
  }
}
