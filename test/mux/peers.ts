/** Two peers that do anything, each checking at every step what must hold whatever either does. */
import type { ResetCode } from '../../shared/mux/codes.ts';
import { MemoryBudget } from '../../shared/mux/memory-budget.ts';
import { MuxSession, type SessionHandler } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { StreamHandler } from '../../shared/mux/stream-handler.ts';
import { WindowBudget } from '../../shared/mux/window.ts';
import { takeAll } from './wire.ts';

const maxQueuedBytes = 100_000;
const maxWindowBytes = 600_000;
/** For a few wide streams, or some narrow ones. */
const memoryBytes = 1_310_720;

/** The nth byte of what one direction of a stream says: so a lost, doubled or swapped byte shows. */
function patternAt(id: number, isClient: boolean, n: number): number {
  return (n * 7 + (n >>> 8) + id * 13 + (isClient ? 101 : 0)) & 0xff;
}

export function fail(says: string): never {
  throw new Error(says);
}

/** One end of one stream, with what it has said, heard and owes. */
export class End implements StreamHandler {
  readonly stream: MuxStream;
  readonly isClient: boolean;
  writtenBytes = 0;
  heardBytes = 0;
  unconsumedBytes = 0;
  hasEnded = false;
  hasHeardEnd = false;
  hasReset = false;
  heardReset: ResetCode | undefined = undefined;
  wasCutShort = false;

  constructor(stream: MuxStream, isClient: boolean) {
    this.stream = stream;
    this.isClient = isClient;
  }

  write(bytes: number): void {
    if (this.hasEnded) return;
    const chunk = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i++)
      chunk[i] = patternAt(this.stream.id, this.isClient, this.writtenBytes + i);
    const couldTake = this.stream.writableBytes;
    const taken = this.stream.write(chunk);
    if (taken !== Math.min(couldTake, bytes))
      fail(`writable said ${couldTake}, write of ${bytes} took ${taken}`);
    if (taken < bytes && !this.isOver) this.wasCutShort = true;
    this.writtenBytes += taken;
  }

  get isOver(): boolean {
    return this.hasReset || this.heardReset !== undefined;
  }

  consume(bytes: number): void {
    const some = Math.min(bytes, this.unconsumedBytes);
    this.unconsumedBytes -= some;
    this.stream.consume(some);
  }

  end(): void {
    this.hasEnded = true;
    this.stream.end();
  }

  reset(code: ResetCode): void {
    if (!this.stream.isOver) this.hasReset = true;
    this.stream.reset(code);
  }

  onData(stream: MuxStream, bytes: Uint8Array): void {
    if (stream !== this.stream || this.isOver || this.hasHeardEnd) fail('data for a stream that is over');
    if (bytes.length === 0) fail('empty data');
    for (const byte of bytes) {
      if (byte !== patternAt(stream.id, !this.isClient, this.heardBytes))
        fail(`byte ${this.heardBytes} is wrong`);
      this.heardBytes++;
    }
    this.unconsumedBytes += bytes.length;
    if (this.unconsumedBytes !== stream.unconsumedBytes) fail('unconsumed bytes are counted wrongly');
    if (this.unconsumedBytes > maxWindowBytes) fail('more held than any window');
  }

  onEnd(): void {
    if (this.hasHeardEnd || this.isOver) fail('end of a stream that is over');
    this.hasHeardEnd = true;
  }

  onReset(_: MuxStream, code: ResetCode): void {
    if (this.isOver) fail('reset of a stream that is over');
    this.heardReset = code;
  }

  onWritable(stream: MuxStream): void {
    if (!this.wasCutShort || this.isOver || this.hasEnded) fail('onWritable that nobody waits for');
    if (stream.writableBytes === 0) fail('onWritable without room');
    this.wasCutShort = false;
  }
}

export class Peer implements SessionHandler {
  readonly isClient: boolean;
  readonly session: MuxSession;
  readonly ends: End[] = [];
  readonly budget: WindowBudget;
  readonly memory = new MemoryBudget(memoryBytes);
  isAnnounced = false;
  /** Told of output that may wait. */
  maySay = false;
  /** Said and not yet arrived. */
  line: Uint8Array = new Uint8Array(0);

  constructor(isClient: boolean, process: WindowBudget) {
    this.isClient = isClient;
    this.budget = new WindowBudget(400_000, process);
    this.session = new MuxSession({
      role: isClient ? 'client' : 'server',
      handler: this,
      nowMs: 0,
      random: () => 0.5,
      maxQueuedBytes,
      maxWindowBytes,
      maxInboundStreams: 6,
      maxOutboundStreams: 6,
      budget: this.budget,
      memory: this.memory,
    });
    this.session.peerWideStreams = 2;
  }

  open(): void {
    const placeholder: StreamHandler = { onData() {}, onEnd() {}, onReset() {}, onWritable() {} };
    const stream = this.session.open(placeholder);
    if (stream !== undefined) this.#adopt(stream);
  }

  onStream(stream: MuxStream): void {
    this.#adopt(stream);
  }

  #adopt(stream: MuxStream): void {
    const end = new End(stream, this.isClient);
    stream.handler = end;
    this.ends.push(end);
  }

  onOutput(mayWait: boolean): void {
    if (mayWait) {
      this.maySay = true;
      return;
    }
    if (this.isAnnounced) fail('onOutput twice');
    this.isAnnounced = true;
  }

  onGoAway(): void {}

  onIdsLow(): void {
    fail('ids are not low');
  }

  say(bufferBytes: number): void {
    if (this.session.hasOutput && !this.isAnnounced && !this.maySay) fail('output that nobody was told of');
    const bytes = takeAll(this.session, bufferBytes);
    this.isAnnounced = false;
    this.maySay = false;
    if (bytes.length > 0) this.line = Buffer.concat([this.line, bytes]);
    if (this.session.hasOutput) fail('takeOutput returned 0 and there is output');
  }

  hear(other: Peer, bytes: number, nowMs: number): void {
    const some = other.line.subarray(0, bytes);
    other.line = other.line.subarray(some.length);
    this.session.receive(some, nowMs);
  }

  check(): void {
    let held = 0;
    for (const { stream } of this.ends) {
      if (stream.queuedBytes > maxQueuedBytes) fail('more queued than the bound');
      if (stream.writableBytes < 0) fail('negative room');
      if (stream.unconsumedBytes < 0 || stream.unconsumedBytes > stream.windowBytes)
        fail('a negative window');
      if (!stream.isOver) held += stream.queuedBytes + stream.unconsumedBytes;
    }
    if (held !== this.session.heldBytes) fail(`holds ${held}, says ${this.session.heldBytes}`);
    if (this.session.streamCount > 12) fail('more streams than the bound');
    if (this.budget.reservedBytes > this.budget.limitBytes) fail('over the budget');
    if (this.memory.reservedBytes > memoryBytes) fail('more memory than there is');
  }
}
