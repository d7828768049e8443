/**
 * The two sides a stream talks to: its user (`StreamHandler`) and what it shares with the other streams of its session
 * (`StreamOwner`). Shapes only.
 */
import type { ResetCode } from './codes.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { MuxStream } from './stream.ts';
import type { WindowBudget } from './window.ts';

export interface StreamHandler {
  /**
   * A view into what the session's `receive` was given; the session keeps no reference to it. Never empty.
   * Give the bytes back with `stream.consume(n)` when they have gone on.
   */
  onData(stream: MuxStream, bytes: Uint8Array): void;
  /** The peer's FIN, after all its data. */
  onEnd(stream: MuxStream): void;
  /** The peer's RST, or the session was closed under it. Nothing is called on this stream after it. */
  onReset(stream: MuxStream, code: ResetCode): void;
  /** A write took less than it was offered; now there is room again. */
  onWritable(stream: MuxStream): void;
}

/** What the streams of one session share. */
export interface StreamOwner {
  readonly maxQueuedBytes: number;
  readonly maxWindowBytes: number;
  readonly budget: WindowBudget;
  readonly memory: MemoryBudget;
  /** It has data, a SYN or a FIN to send, in turn with the others. */
  wantTurn(stream: MuxStream): void;
  /** It has a frame to send that goes before all data: window update, ACK. */
  wantUrgent(stream: MuxStream): void;
  /** It is reset, and has an RST to send. */
  wantReset(stream: MuxStream, code: ResetCode): void;
  /** A window update is due: from now on it is worth knowing the round trip. */
  wantRoundTrip(): void;
  /** Bytes held for the streams: more, or (negative) fewer. */
  hold(bytes: number): void;
  /** It has said its last frame, or has nobody to say it to. */
  retire(stream: MuxStream): void;
}
