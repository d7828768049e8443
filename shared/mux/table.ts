/**
 * The streams of one session that are not over: whose ids they have, how many each side may have, what they share.
 * A stream leaves when its last frame has left (or nobody is there to read it), so a reset stream counts until its RST is out:
 * that bounds the RSTs a peer can provoke. It knows no frames.
 */
import { resetCode, type ResetCode } from './codes.ts';
import type { DelayedAcks } from './delayed-acks.ts';
import { frameFlag, maxUint32 } from './frame.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { MemoryBudget, Width } from './memory-budget.ts';
import type { Scheduler } from './scheduler.ts';
import { MuxStream } from './stream.ts';
import type { StreamHandler, StreamOwner } from './stream-handler.ts';
import type { WindowBudget } from './window.ts';

export interface TableLimits {
  readonly maxInboundStreams: number;
  readonly maxOutboundStreams: number;
  readonly maxQueuedBytes: number;
  readonly maxWindowBytes: number;
  readonly budget: WindowBudget;
  readonly memory: MemoryBudget;
  /** Ours: odd for a client, even for a server. */
  readonly firstStreamId: number;
}

/** Streams on which one side waits for the other's reader. */
export interface StalledWindows {
  /** We have more to send than the peer's window takes. */
  readonly sending: number;
  /** The peer has filled our window. */
  readonly receiving: number;
}

/**
 * What the maps hold in place of streams. A map makes itself anew every hundred streams or so, and V8 keeps what stood in the one
 * before alive through it, far into its old generation: that must not be streams with all that hangs on them. Slots go round.
 */
interface Slot {
  stream: MuxStream | undefined;
}

/** As many as an ordinary link has streams at a time. */
const maxSpareSlots = 256;

export class StreamTable implements StreamOwner {
  readonly maxQueuedBytes: number;
  readonly maxWindowBytes: number;
  readonly budget: WindowBudget;
  readonly memory: MemoryBudget;
  /** How many wide streams of ours the peer has room for; it knows of narrow ones then. */
  peerWideStreams: number | undefined = undefined;
  readonly #limits: TableLimits;
  readonly #scheduler: Scheduler;
  readonly #heartbeat: Heartbeat;
  readonly #delayedAcks: DelayedAcks;
  readonly #inbound = new Map<number, Slot>();
  readonly #outbound = new Map<number, Slot>();
  readonly #spareSlots: Slot[] = [];
  #nextId: number;
  /** The peer's ids need not come in order, but none above this has come. */
  #highestPeerId = 0;
  #heldBytes = 0;
  /** Of ours. */
  #wideStreams = 0;

  constructor(limits: TableLimits, scheduler: Scheduler, heartbeat: Heartbeat, delayedAcks: DelayedAcks) {
    this.maxQueuedBytes = limits.maxQueuedBytes;
    this.maxWindowBytes = limits.maxWindowBytes;
    this.budget = limits.budget;
    this.memory = limits.memory;
    this.#limits = limits;
    this.#scheduler = scheduler;
    this.#heartbeat = heartbeat;
    this.#delayedAcks = delayedAcks;
    this.#nextId = limits.firstStreamId;
  }

  get size(): number {
    return this.#inbound.size + this.#outbound.size;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Counted when asked: for whoever watches, not for the data path. */
  countStalled(): StalledWindows {
    let sending = 0;
    let receiving = 0;
    for (const streams of [this.#outbound, this.#inbound]) {
      for (const { stream } of streams.values()) {
        if (stream?.isSendStalled === true) sending += 1;
        if (stream?.isReceiveStalled === true) receiving += 1;
      }
    }
    return { sending, receiving };
  }

  get nextId(): number {
    return this.#nextId;
  }

  isOurs(id: number): boolean {
    return id % 2 === this.#nextId % 2;
  }

  get(id: number): MuxStream | undefined {
    return (this.isOurs(id) ? this.#outbound : this.#inbound).get(id)?.stream;
  }

  /** Whether frames may still be under way for this id although it is not here: it was opened, or passed over by a later one. */
  wasOpened(id: number): boolean {
    return this.isOurs(id) ? id < this.#nextId : id <= this.#highestPeerId;
  }

  /** Undefined: our ids, our limit or the memory are used up. */
  open(handler: StreamHandler): MuxStream | undefined {
    const id = this.#nextId;
    if (id > maxUint32 || this.#outbound.size >= this.#limits.maxOutboundStreams) return undefined;
    const width = this.#widthOfNext();
    if (!this.memory.openStream(width)) return undefined;
    this.#nextId = id + 2;
    if (width === 'wide') this.#wideStreams += 1;
    const stream = new MuxStream(this, id, frameFlag.syn, width, handler);
    this.#outbound.set(id, this.#slotOf(stream));
    this.#scheduler.wantTurn(stream);
    return stream;
  }

  /** The peer used this id, whether or not a stream comes of it. */
  noteOpened(id: number): void {
    if (id > this.#highestPeerId) this.#highestPeerId = id;
  }

  get isFullForPeer(): boolean {
    return this.#inbound.size >= this.#limits.maxInboundStreams;
  }

  /** Undefined: there is no memory for it. */
  accept(id: number, width: Width, handler: StreamHandler): MuxStream | undefined {
    if (!this.memory.openStream(width)) return undefined;
    const stream = new MuxStream(this, id, frameFlag.ack, width, handler);
    this.#inbound.set(id, this.#slotOf(stream));
    this.#delayedAcks.add(stream, this.#heartbeat.nowMs);
    return stream;
  }

  /** The link is gone: every stream hears of it as a reset, and one whose SYN never left that nothing of it reached anybody. */
  resetAll(code: ResetCode): void {
    for (const { stream } of this.#outbound.values()) {
      stream?.acceptReset(stream.isAnnounced ? code : resetCode.refused);
    }
    for (const { stream } of this.#inbound.values()) stream?.acceptReset(code);
  }

  wantTurn(stream: MuxStream): void {
    this.#scheduler.wantTurn(stream);
  }

  wantUrgent(stream: MuxStream): void {
    this.#scheduler.wantUrgent(stream);
  }

  /**
   * At *done* the peer only puts away what the stream used, for the next. Where other streams are open, frames go all the time and it
   * goes with them; where none is, a frame of its own would cost both ends a write, a read and a wake-up.
   */
  wantReset(stream: MuxStream, code: ResetCode): void {
    if (code === resetCode.done && this.size === 1) this.#scheduler.wantPatient(stream);
    else this.#scheduler.wantUrgent(stream);
  }

  wantRoundTrip(): void {
    this.#heartbeat.wantRoundTrip();
  }

  hold(bytes: number): void {
    this.#heldBytes += bytes;
  }

  /** Idempotent. */
  retire(stream: MuxStream): void {
    const isOurs = this.isOurs(stream.id);
    const streams = isOurs ? this.#outbound : this.#inbound;
    const slot = streams.get(stream.id);
    if (slot?.stream !== stream) return;
    streams.delete(stream.id);
    slot.stream = undefined;
    if (this.#spareSlots.length < maxSpareSlots) this.#spareSlots.push(slot);
    if (isOurs && stream.width === 'wide') this.#wideStreams -= 1;
  }

  #slotOf(stream: MuxStream): Slot {
    const slot = this.#spareSlots.pop();
    if (slot === undefined) return { stream };
    slot.stream = stream;
    return slot;
  }

  #widthOfNext(): Width {
    if (this.peerWideStreams === undefined) return 'wide';
    return this.#wideStreams >= this.peerWideStreams ? 'narrow' : this.memory.width;
  }
}
