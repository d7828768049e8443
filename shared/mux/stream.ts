/**
 * One yamux stream: what its user may do with it, which transitions that makes, and the frames it has to say.
 * It knows nothing of other streams: whose turn it is is the scheduler's business, which ids are alive the table's.
 *
 * The upper half is for users; the lower half (from `acceptFrame` on) is for the session alone.
 */
import type { BlockPool } from './blocks.ts';
import type { ResetCode } from './codes.ts';
import { Place } from './fifo.ts';
import { frameFlag, frameType, headerBytes, maxDataBytes, writeHeader } from './frame.ts';
import { queueBytes, streamBytes } from './memory-budget.ts';
import type { Width } from './memory-budget.ts';
import { SendQueue } from './send-queue.ts';
import type { StreamHandler, StreamOwner } from './stream-handler.ts';
import { initialWindowBytes, narrowWindowBytes, ReceiveWindow } from './window.ts';

export type { StreamHandler } from './stream-handler.ts';

export class MuxStream {
  readonly id: number;
  /** Narrow: whoever uses it consumes only what has left this program. */
  readonly width: Width;
  handler: StreamHandler;
  readonly turn = new Place<MuxStream>(this);
  readonly urgent = new Place<MuxStream>(this);
  /** In the line of those whose ACK may wait a little for a frame to ride on. */
  readonly delayedAck = new Place<MuxStream>(this);
  ackDueMs = Infinity;

  readonly #owner: StreamOwner;
  readonly #window: ReceiveWindow;
  readonly #queue: SendQueue;
  /** Of the memory budget: what it may still come to hold, its window's growth aside. */
  #reservedBytes: number;
  /** SYN or ACK, whichever this side owes, until its first frame has left. */
  #openingFlag: number;
  #isEndAsked = false;
  #endSent = false;
  #endReceived = false;
  #isReset = false;
  #isSettled = false;
  #droppedBytes = 0;
  /** Of the RST that is still to be sent. */
  #resetCode: ResetCode | undefined = undefined;

  /** @param openingFlag SYN or ACK; what a stream of this width takes of the memory budget has been taken */
  constructor(owner: StreamOwner, id: number, openingFlag: number, width: Width, handler: StreamHandler) {
    this.#owner = owner;
    this.id = id;
    this.width = width;
    this.handler = handler;
    const isNarrow = width === 'narrow';
    const creditBytes = isNarrow ? narrowWindowBytes : initialWindowBytes;
    this.#openingFlag =
      openingFlag === frameFlag.syn && isNarrow ? openingFlag | frameFlag.narrow : openingFlag;
    this.#reservedBytes = streamBytes[width];
    this.#window = new ReceiveWindow(owner.maxWindowBytes, owner.budget, creditBytes);
    const maxQueuedBytes = isNarrow
      ? Math.min(owner.maxQueuedBytes, queueBytes.narrow)
      : owner.maxQueuedBytes;
    this.#queue = new SendQueue(maxQueuedBytes, creditBytes);
  }

  /** Our FIN has left. */
  get endSent(): boolean {
    return this.#endSent;
  }

  /** The peer's FIN is here. */
  get endReceived(): boolean {
    return this.#endReceived;
  }

  /** Reset by either side, or its session was closed. */
  get isReset(): boolean {
    return this.#isReset;
  }

  /** Reset, or both sides have ended: no frame of the peer has a meaning for it any more. */
  get isOver(): boolean {
    return this.#isReset || (this.#endSent && this.#endReceived);
  }

  /** What `write` would take now. */
  get writableBytes(): number {
    if (this.#isReset || this.#isEndAsked) return 0;
    return this.#queue.roomBytes;
  }

  /** Taken by `write` and not yet framed. */
  get queuedBytes(): number {
    return this.#queue.bytes;
  }

  /** Taken by `write` and, because the stream was reset, never framed. */
  get droppedBytes(): number {
    return this.#droppedBytes;
  }

  /** Delivered by `onData` and not yet consumed. Counted for the session until the stream is over. */
  get unconsumedBytes(): number {
    return this.#window.unconsumedBytes;
  }

  /** The size of our receive window: how much the peer may have under way. */
  get windowBytes(): number {
    return this.#window.sizeBytes;
  }

  /** We have more to send than the peer's window takes. */
  get isSendStalled(): boolean {
    return !this.#isReset && !this.#isEndAsked && this.#queue.isStalled;
  }

  /** The peer has filled our window: it waits until what was delivered is consumed. */
  get isReceiveStalled(): boolean {
    return !this.isOver && !this.#endReceived && this.#window.creditBytes === 0;
  }

  /**
   * Takes what credit and queue have room for, by reference until it is framed, and returns how much that is. If it is less than
   * was offered, `onWritable` follows. A reset stream takes 0 and calls nothing more: `onReset` has told its user, or its user did it.
   * @param pool copies are taken to its blocks, and the memory is the caller's again at once
   * @throws Error after `end()`: that is a mistake in the program.
   */
  write(bytes: Uint8Array, pool?: BlockPool): number {
    if (this.#isReset) return 0;
    if (this.#isEndAsked) throw new Error('write after end of a stream');
    const taken = this.#queue.offer(bytes, pool);
    if (taken === 0) return 0;
    this.#owner.hold(taken);
    this.#owner.wantTurn(this);
    return taken;
  }

  /** After a write that was taken whole: the next one might not be, and `onWritable` follows when it is worth while. */
  runsShort(): boolean {
    return !this.#isReset && this.#queue.runsShort();
  }

  /** FIN behind what is queued. Idempotent; of a reset stream nothing. */
  end(): void {
    if (this.#isReset || this.#isEndAsked) return;
    this.#isEndAsked = true;
    this.#owner.wantTurn(this);
  }

  /** Drops what is queued and says RST with this code. Idempotent; nothing is called on the handler afterwards. */
  reset(code: ResetCode): void {
    if (this.isOver) return;
    this.#abandon();
    if (!this.isAnnounced) {
      this.#owner.retire(this);
      return;
    }
    this.#resetCode = code;
    this.#owner.wantReset(this, code);
  }

  /**
   * `bytes` of what `onData` delivered have gone on. Harmless after the stream is over: then nobody waits for them any more.
   * @throws Error for more than was delivered: that is a mistake in the program.
   */
  consume(bytes: number): void {
    if (this.isOver) return;
    if (!(bytes >= 0 && bytes <= this.#window.unconsumedBytes)) {
      throw new Error('consumed more of a stream than was delivered');
    }
    this.#window.consume(bytes);
    this.#owner.hold(-bytes);
    if (this.#owner.memory.isTight) this.#giveUp(this.#window.shrink());
    if (this.#endReceived || !this.#window.isUpdateDue) return;
    this.#owner.wantUrgent(this);
    this.#owner.wantRoundTrip();
  }

  /** A data frame of this length begins; false if the window does not cover it. */
  acceptFrame(lengthBytes: number, nowMs: number, pathMs: number | undefined): boolean {
    if (!this.#window.accept(lengthBytes)) return false;
    // What it grows by is granted with the next consume, which follows: only a reader that consumes makes it grow.
    this.#window.tune(nowMs, pathMs);
    return true;
  }

  deliver(bytes: Uint8Array): void {
    this.#window.deliver(bytes.length);
    this.#owner.hold(bytes.length);
    this.handler.onData(this, bytes);
  }

  /** The peer's window update; false if it takes the window over 2^32-1. */
  acceptCredit(bytes: number): boolean {
    return this.#queue.acceptCredit(bytes);
  }

  /** The peer's FIN. Idempotent: a second one says nothing new. */
  acceptEnd(): void {
    if (this.#endReceived) return;
    this.#endReceived = true;
    if (this.#endSent) this.#finish();
    this.handler.onEnd(this);
  }

  /** The peer's RST, or the link is gone: nothing can be said to anybody any more. */
  acceptReset(code: ResetCode): void {
    const wasReset = this.#isReset;
    this.#resetCode = undefined;
    this.#abandon();
    this.#owner.retire(this);
    if (!wasReset) this.handler.onReset(this, code);
  }

  /** Calls `onWritable` if it is owed and there is room. */
  offerRoom(): void {
    if (!this.#isReset && !this.#isEndAsked && this.#queue.takeRelief()) this.handler.onWritable(this);
  }

  /** The peer knows of it. */
  get isAnnounced(): boolean {
    return (this.#openingFlag & frameFlag.syn) === 0;
  }

  /** It has something to say in its turn. */
  get hasTurn(): boolean {
    if (this.#isReset) return false;
    return this.#queue.bytes > 0 || !this.isAnnounced || (this.#isEndAsked && !this.#endSent);
  }

  /** Writes its one frame of this turn: data, or with none queued a window update that carries the flags. Returns its end. */
  writeTurn(into: Uint8Array, at: number): number {
    const limitBytes = Math.min(maxDataBytes, into.length - at - headerBytes);
    const bytes = this.#queue.takeInto(into, at + headerBytes, limitBytes);
    const isLast = this.#isEndAsked && !this.#endSent && this.#queue.bytes === 0;
    const flags = this.#takeOpeningFlag() | (isLast ? frameFlag.fin : 0);
    if (isLast) this.#endSent = true;
    if (bytes === 0) writeHeader(into, at, frameType.windowUpdate, flags, this.id, this.#takeUpdate());
    else writeHeader(into, at, frameType.data, flags, this.id, bytes);
    this.#owner.hold(-bytes);
    if (this.isOver) this.#finish();
    return at + headerBytes + bytes;
  }

  /** Writes its urgent frame: RST, or a window update that takes the ACK along; nothing if a data frame took both. Returns its end. */
  writeUrgent(into: Uint8Array, at: number): number {
    if (this.#resetCode === undefined) {
      const flags = this.#takeOpeningFlag();
      const updateBytes = this.#takeUpdate();
      if (flags === 0 && updateBytes === 0) return at;
      return writeHeader(into, at, frameType.windowUpdate, flags, this.id, updateBytes);
    }
    const end = writeHeader(into, at, frameType.windowUpdate, frameFlag.rst, this.id, this.#resetCode);
    this.#resetCode = undefined;
    this.#owner.retire(this);
    return end;
  }

  #takeOpeningFlag(): number {
    const flag = this.#openingFlag;
    this.#openingFlag = 0;
    this.delayedAck.leave();
    return flag;
  }

  /** To a peer that has ended there is nothing to grant. */
  #takeUpdate(): number {
    return this.#endReceived ? 0 : this.#window.takeUpdate();
  }

  /** Both sides have ended. */
  #finish(): void {
    this.#settle();
    this.#owner.retire(this);
  }

  /** Idempotent. */
  #abandon(): void {
    this.#settle();
    this.#isReset = true;
  }

  /** The stream is over: it waits for nothing, and what it held for the session is given back. Idempotent. */
  #settle(): void {
    this.turn.leave();
    this.urgent.leave();
    this.delayedAck.leave();
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#droppedBytes = this.#queue.bytes;
    this.#owner.hold(-this.#droppedBytes - this.#window.unconsumedBytes);
    this.#queue.clear();
    this.#window.release();
    this.#giveUp(this.#reservedBytes);
  }

  #giveUp(bytes: number): void {
    this.#reservedBytes -= bytes;
    this.#owner.memory.release(bytes);
  }
}
