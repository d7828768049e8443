/**
 * What each inbound frame does: it finds the stream a frame belongs to, holds the peer to the rules and passes payload on piece
 * by piece as it comes. It writes nothing itself: answers and urgent frames wait for the scheduler.
 */
import type { Answers } from './answers.ts';
import { resetCode, resetCodeOf } from './codes.ts';
import { FrameDecoder } from './decoder.ts';
import { frameFlag, frameType } from './frame.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { MuxStream } from './stream.ts';
import type { StreamHandler } from './stream-handler.ts';
import type { StreamTable } from './table.ts';
import { MuxViolation, type MuxViolationCode } from './violation.ts';

/** Where the receiver tells of what concerns no stream that is alive yet. */
export interface ReceiverHandler {
  onStream(stream: MuxStream): void;
  onGoAway(code: number): void;
}

/** What a new stream has until `onStream` gives it a handler; who leaves it is refused. */
const noHandler: StreamHandler = { onData() {}, onEnd() {}, onReset() {}, onWritable() {} };

export class Receiver {
  readonly #table: StreamTable;
  readonly #answers: Answers;
  readonly #heartbeat: Heartbeat;
  readonly #handler: ReceiverHandler;
  readonly #maxFrameBytes: number;
  readonly #decoder = new FrameDecoder();
  /** What is still to come of the data frame under way, whose it is (nobody's: skipped), and whether its stream ends with it. */
  #payloadBytes = 0;
  #payloadStream: MuxStream | undefined = undefined;
  #isPayloadLast = false;
  #isStopped = false;
  /** New streams are refused. */
  isRefusing = false;
  /** What stopped it, if the peer did. */
  violation: MuxViolation | undefined = undefined;

  constructor(
    table: StreamTable,
    answers: Answers,
    heartbeat: Heartbeat,
    handler: ReceiverHandler,
    maxFrameBytes: number,
  ) {
    this.#table = table;
    this.#answers = answers;
    this.#heartbeat = heartbeat;
    this.#handler = handler;
    this.#maxFrameBytes = maxFrameBytes;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Whatever else comes is ignored. */
  stop(): void {
    this.#isStopped = true;
  }

  /** @throws MuxViolation */
  receive(bytes: Uint8Array): void {
    let at = 0;
    while (!this.#isStopped) {
      if (this.#payloadBytes > 0) {
        if (at === bytes.length) return;
        at = this.#passPayload(bytes, at);
        continue;
      }
      const end = this.#decoder.readHeader(bytes, at);
      if (end === undefined) return;
      at = end;
      this.#acceptHeader();
    }
  }

  #passPayload(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + this.#payloadBytes);
    this.#payloadBytes -= end - at;
    const stream = this.#payloadStream;
    if (stream === undefined || stream.isOver) return end;
    stream.deliver(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (this.#payloadBytes === 0 && this.#isPayloadLast && !stream.isReset) stream.acceptEnd();
    return end;
  }

  #acceptHeader(): void {
    const { version, type, id, length } = this.#decoder;
    if (version !== 0) throw this.#violate('bad_version', `a frame of version ${version}`);
    switch (type) {
      case frameType.data:
      case frameType.windowUpdate:
        this.#acceptStreamFrame(type, this.#decoder.flags, id, length);
        return;
      case frameType.ping:
        this.#acceptPing(this.#decoder.flags, length);
        return;
      case frameType.goAway:
        this.#handler.onGoAway(length);
        return;
      default:
        throw this.#violate('bad_type', `a frame of type ${type}`);
    }
  }

  #acceptPing(flags: number, value: number): void {
    if ((flags & frameFlag.ack) !== 0) {
      this.#heartbeat.acceptAck(value);
      return;
    }
    if (!this.#answers.acknowledgePing(value))
      throw this.#violate('control_flood', 'too many pings wait for their answer');
  }

  #acceptStreamFrame(type: number, flags: number, id: number, length: number): void {
    if (id === 0) throw this.#violate('stream_zero', 'a stream frame on id 0');
    const isData = type === frameType.data;
    if (isData && length > this.#maxFrameBytes) {
      throw this.#violate('window_exceeded', `a data frame of ${length} bytes, more than any window here`);
    }
    const stream = (flags & frameFlag.syn) === 0 ? this.#find(id) : this.#create(id, flags);
    if (isData) {
      this.#payloadBytes = length;
      this.#payloadStream = undefined;
    }
    if (stream === undefined) return;
    if ((flags & frameFlag.rst) !== 0) {
      stream.acceptReset(isData ? resetCode.cancelled : resetCodeOf(length));
      return;
    }
    // After our RST, until it has left, the peer's frames are in flight and mean nothing.
    if (stream.isReset) return;
    if (isData) this.#acceptData(stream, length, (flags & frameFlag.fin) !== 0);
    else this.#acceptUpdate(stream, length, (flags & frameFlag.fin) !== 0);
  }

  #acceptData(stream: MuxStream, length: number, isLast: boolean): void {
    if (length === 0) {
      if (isLast) stream.acceptEnd();
      return;
    }
    if (stream.endReceived)
      throw this.#violate('data_after_fin', `data behind the FIN of stream ${stream.id}`);
    if (!stream.acceptFrame(length, this.#heartbeat.nowMs, this.#heartbeat.pathMs)) {
      throw this.#violate(
        'window_exceeded',
        `${length} bytes for stream ${stream.id}, more than its window has left`,
      );
    }
    this.#payloadStream = stream;
    this.#isPayloadLast = isLast;
  }

  #acceptUpdate(stream: MuxStream, bytes: number, isLast: boolean): void {
    if (!stream.acceptCredit(bytes)) {
      throw this.#violate('window_overflow', `the window of stream ${stream.id} would exceed 2^32-1`);
    }
    if (bytes > 0) stream.offerRoom();
    if (isLast && !stream.isReset) stream.acceptEnd();
  }

  /** Undefined: over, and its frames in flight are skipped. */
  #find(id: number): MuxStream | undefined {
    const stream = this.#table.get(id);
    if (stream === undefined) {
      if (this.#table.wasOpened(id)) return undefined;
      throw this.#violate('unknown_stream', `a frame for stream ${id}, which was never opened`);
    }
    if (!stream.isAnnounced)
      throw this.#violate('unknown_stream', `a frame for stream ${id}, whose SYN has not left`);
    return stream;
  }

  /** Undefined: refused, or reset by the very frame that opened it. */
  #create(id: number, flags: number): MuxStream | undefined {
    if (this.#table.isOurs(id))
      throw this.#violate('syn_parity', `a SYN with id ${id}, which is ours to give`);
    if (this.#table.get(id) !== undefined)
      throw this.#violate('syn_duplicate', `a SYN on stream ${id}, which is in use`);
    this.#table.noteOpened(id);
    if ((flags & frameFlag.rst) !== 0) return undefined;
    const isFull = this.isRefusing || this.#table.isFullForPeer;
    const width = (flags & frameFlag.narrow) === 0 ? 'wide' : 'narrow';
    const stream = isFull ? undefined : this.#table.accept(id, width, noHandler);
    if (stream === undefined) {
      if (!this.#answers.refuse(id))
        throw this.#violate('control_flood', 'too many refused streams wait for their RST');
      return undefined;
    }
    this.#handler.onStream(stream);
    if (stream.handler === noHandler) stream.reset(resetCode.refused);
    return stream;
  }

  #violate(code: MuxViolationCode, message: string): MuxViolation {
    this.#isStopped = true;
    this.violation = new MuxViolation(code, message);
    return this.violation;
  }
}
