/**
 * The way from a backend's WebSocket to its client, watched for frame borders, so that the proxy can end it with a
 * word (a Close frame with 1012 and a reason, RFC 6455 §7.4) where otherwise there would be a reset: when it stops, and
 * when the agent stops or is lost. What the two say to each other passes untouched.
 */
import { resetCode } from '../../shared/mux/codes.ts';
import type { ResetCode } from '../../shared/mux/codes.ts';
import type { StreamHandler } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { closeCode } from '../../shared/protocol/close-code.ts';
import type { StreamPipe } from '../../shared/transport/stream-pipe.ts';
import { closeFrame, FrameBorders } from './frame-borders.ts';

/** How long the two ends have for their closing words once the client was told. */
const closingMs = 2_000;

export interface WebSocketOwner {
  /** False once the tunnel's link is lost. */
  readonly isTunnelAlive: boolean;
  /** The time for closing words is over. */
  onClosingTimeout(): void;
  /** The stream is gone, and the client has been told: its connection ends in order. */
  onTold(): void;
}

export class WebSocketDown implements StreamHandler {
  readonly #pipe: StreamPipe;
  readonly #owner: WebSocketOwner;
  readonly #borders = new FrameBorders();
  /** To be said at the next border. */
  #reason: string | undefined;
  #isTold = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(pipe: StreamPipe, owner: WebSocketOwner) {
    this.#pipe = pipe;
    this.#owner = owner;
  }

  /** Ends it in order, as soon as a frame ends. Idempotent. */
  leave(reason: string): void {
    if (this.#isTold) return;
    this.#reason = reason;
    if (this.#borders.isAtBorder) this.#tell(reason);
  }

  /** It is over, whoever ended it. Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  onData(stream: MuxStream, bytes: Uint8Array): void {
    if (this.#isTold) {
      // Nothing may follow a Close frame (RFC 6455 §5.5.1).
      stream.consume(bytes.length);
      return;
    }
    const reason = this.#reason;
    const taken = this.#borders.advance(bytes, reason !== undefined);
    if (taken > 0) this.#pipe.onData(stream, taken === bytes.length ? bytes : bytes.subarray(0, taken));
    if (reason === undefined || !this.#borders.isAtBorder) return;
    this.#tell(reason);
    if (taken < bytes.length) stream.consume(bytes.length - taken);
  }

  onEnd(): void {
    this.#pipe.onEnd();
  }

  onReset(stream: MuxStream, code: ResetCode): void {
    if (!this.#isTold && !this.#owner.isTunnelAlive) this.leave('the connection to the server was lost');
    if (!this.#isTold) {
      this.#pipe.onReset(stream, code);
      return;
    }
    this.#pipe.reset(resetCode.cancelled);
    this.#owner.onTold();
  }

  onWritable(stream: MuxStream): void {
    this.#pipe.onWritable(stream);
  }

  #tell(reason: string): void {
    this.#isTold = true;
    this.#pipe.say(closeFrame(closeCode.serviceRestart, reason));
    this.#timer = setTimeout(() => this.#owner.onClosingTimeout(), closingMs);
  }
}
