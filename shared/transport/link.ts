/**
 * One link: one WebSocket, one yamux session, one clock, and the only pump between them. Bytes that arrive go into the
 * session; what the session has to say leaves in one write a turn of the event loop, however many streams speak, and not at
 * all while the socket is full. It knows no HTTP, no tokens and no routing; control messages (text) pass through it unread.
 */
import type { Socket } from 'node:net';
import { goAwayCode, resetCode } from '../mux/codes.ts';
import type { MuxStream } from '../mux/stream.ts';
import { MuxSession } from '../mux/session.ts';
import type { SessionHandler, SessionOptions, StreamHandler } from '../mux/session.ts';
import { MuxViolation } from '../mux/violation.ts';
import { systemClock } from '../time/clock.ts';
import type { Clock, Timer } from '../time/clock.ts';
import { linkClose } from './link-handler.ts';
import type { LinkHandler } from './link-handler.ts';
import type { LinkSocket } from './websocket/link-socket.ts';
import { MessageSlab } from './websocket/message-slab.ts';
import type { WebSocket, WebSocketHandler } from './websocket/web-socket.ts';

export interface LinkOptions extends Omit<SessionOptions, 'handler' | 'nowMs'> {
  readonly handler: LinkHandler;
  /**
   * Bytes the socket may hold before the session is asked for no more. What waits here delays everything
   * behind it, so it is little; the kernel's own buffer keeps the line busy meanwhile.
   */
  readonly highWaterBytes?: number;
  readonly clock?: Clock;
}

const defaultHighWaterBytes = 128 * 1024;
/** What is read of one link in one turn: several windows' worth would keep everybody else waiting for tens of milliseconds. */
const maxTurnBytes = 256 * 1024;
/** Beyond what the session leaves in the socket: answers that the peer has asked for and does not read. */
const maxUnreadControlBytes = 256 * 1024;
/** A message takes one whole frame at least. */
const leastRoomBytes = 16 * 1024 + 12;
/**
 * So long what nobody waits for may wait for company: enough for a client that asks one thing after the other, and far less
 * than would be missed of a backend's connection that is free again.
 */
const patienceMs = 2;

export class Link implements SessionHandler, WebSocketHandler {
  readonly session: MuxSession;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #handler: LinkHandler;
  readonly #highWaterBytes: number;
  readonly #clock: Clock;
  readonly #slab: MessageSlab;
  #flushIsDue = false;
  #waitsForDrain = false;
  /** When the read began whose messages arrive now. */
  #readMs: number;
  /** Read in this turn of the event loop. */
  #turnBytes = 0;
  readonly #onTurnEnd = (): void => this.#endTurn();
  #timer: Timer | undefined;
  #patience: Timer | undefined;
  #timerDueMs = Infinity;
  #violation: MuxViolation | undefined;
  #isClosing = false;
  /** Why we have closed it, where we have. */
  #ownReason = '';
  #hasEnded = false;
  readonly #flush = (): void => this.#flushOutput();
  readonly #onPatienceEnd = (): void => this.#endPatience();
  readonly #tick = (): void => this.#judge();
  // Timers call before the sockets of their turn are read: silence is judged when what came meanwhile has been heard.
  readonly #onTimer = (): void => void setImmediate(this.#tick);

  constructor({ webSocket, socket }: LinkSocket, options: LinkOptions) {
    this.#slab = new MessageSlab(webSocket.masking);
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#handler = options.handler;
    // Node promises a 'drain' only where its own mark was passed.
    this.#highWaterBytes = Math.max(
      options.highWaterBytes ?? defaultHighWaterBytes,
      socket.writableHighWaterMark,
    );
    this.#clock = options.clock ?? systemClock;
    this.#readMs = this.#clock.nowMs();
    this.session = new MuxSession({ ...options, handler: this, nowMs: this.#readMs });
    socket.on('drain', () => {
      this.#waitsForDrain = false;
      this.onOutput();
    });
    this.#armTimer();
    webSocket.listen(this);
  }

  /** False from the moment either side begins to close it: what is said from then on reaches nobody. */
  get isOpen(): boolean {
    return !this.#isClosing && this.#webSocket.isOpen;
  }

  /** Bytes the socket has taken from the session and not yet sent. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  open(handler: StreamHandler): MuxStream | undefined {
    return this.isOpen ? this.session.open(handler) : undefined;
  }

  /** The link is lost where too much of what was said waits for the peer to read it. */
  sendControl(text: string): void {
    if (this.unsentBytes > this.#highWaterBytes + maxUnreadControlBytes) this.terminate();
    else if (this.isOpen) this.#webSocket.sendText(text);
  }

  /** No new streams from the peer; those that are open go on. */
  goAway(): void {
    if (!this.isOpen) return;
    this.session.goAway(goAwayCode.normal);
    this.session.ask(this.#clock.nowMs());
  }

  /** Asks the peer for an answer: `session.isAnswered` says when it has heard what was said before. */
  ask(): void {
    if (this.isOpen) this.session.ask(this.#clock.nowMs());
  }

  /** No stream is open, and none is under way: the peer has heard every GoAway of ours. */
  get isIdle(): boolean {
    return this.session.streamCount === 0 && this.session.isAnswered;
  }

  /** Says what is left to say, resets the streams that are open, then closes in order. Idempotent. */
  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#ownReason = reason;
    this.#sendOutput('at least one message');
    this.#webSocket.close(code, reason);
    this.#reset();
  }

  /** Asks the peer for a sign of life, whatever was heard before; ends the link where none comes within that time. */
  prove(withinMs: number): void {
    if (!this.isOpen) return;
    const askedMs = this.#clock.nowMs();
    this.session.ask(askedMs);
    this.#clock.after(withinMs, () => {
      // What came while the process was held up is heard first, as in #onTimer.
      setImmediate(() => {
        if (this.session.heardMs <= askedMs) this.#die();
      });
    });
  }

  /** Ends it at once, without a word. */
  terminate(): void {
    this.#webSocket.terminate();
  }

  // What the session says.

  onStream(stream: MuxStream): void {
    this.#handler.onStream(stream);
  }

  onOutput(mayWait = false): void {
    if (this.#flushIsDue || this.#waitsForDrain || !this.isOpen) return;
    if (mayWait) {
      this.#patience ??= this.#clock.after(patienceMs, this.#onPatienceEnd);
      return;
    }
    this.#flushIsDue = true;
    // The check phase comes after every read of this turn: all that they gave rise to leaves together.
    setImmediate(this.#flush);
  }

  onGoAway(code: number): void {
    this.#handler.onGoAway(code);
  }

  onIdsLow(): void {
    this.#handler.onIdsLow();
  }

  // What the WebSocket brings.

  /** Any byte is life, long before a frame is whole. */
  onRead(byteCount: number): void {
    this.#readMs = this.#clock.nowMs();
    this.session.heard(this.#readMs);
    if (this.#turnBytes === 0) setImmediate(this.#onTurnEnd);
    this.#turnBytes += byteCount;
    // libuv would read on, megabytes a turn, and all other sockets would wait.
    if (this.#turnBytes >= maxTurnBytes) this.#socket.pause();
  }

  #endTurn(): void {
    const wasPaused = this.#turnBytes >= maxTurnBytes;
    this.#turnBytes = 0;
    if (wasPaused) this.#socket.resume();
  }

  onText(text: string): void {
    if (!this.#isClosing) this.#handler.onControl(text);
  }

  onBinary(bytes: Uint8Array): void {
    if (this.#isClosing) return;
    try {
      this.session.receive(bytes, this.#readMs);
    } catch (error) {
      if (!(error instanceof MuxViolation)) throw error;
      this.#violation = error;
      this.close(linkClose.protocolError, error.code);
      return;
    }
    if (this.session.nextDeadlineMs < this.#timerDueMs) this.#armTimer();
  }

  onClose(code: number, reason: string): void {
    this.#end(code, reason);
  }

  // The pump.

  #flushOutput(): void {
    this.#flushIsDue = false;
    if (!this.isOpen) return;
    this.#sendOutput('what there is room for');
    if (this.session.hasOutput) {
      this.#waitsForDrain = this.#socket.writableLength >= this.#highWaterBytes;
      this.onOutput();
    }
    if (this.session.nextDeadlineMs < this.#timerDueMs) this.#armTimer();
  }

  /** At least one message takes a GoAway along: it goes before all else. */
  #sendOutput(amount: 'at least one message' | 'what there is room for'): void {
    const socket = this.#socket;
    let isOwed = amount === 'at least one message';
    socket.cork();
    while (isOwed || socket.writableLength < this.#highWaterBytes) {
      isOwed = false;
      const bytes = this.#fillMessage();
      if (bytes === undefined) break;
      socket.write(bytes, this.#slab.left);
    }
    socket.uncork();
  }

  #fillMessage(): Uint8Array | undefined {
    const filled = this.session.takeOutput(this.#slab.room(leastRoomBytes));
    return filled === 0 ? undefined : this.#slab.seal(filled);
  }

  // Time.

  #endPatience(): void {
    this.#patience = undefined;
    if (this.session.hasOutput) this.onOutput();
  }

  #armTimer(): void {
    this.#timer?.cancel();
    this.#timerDueMs = this.session.nextDeadlineMs;
    const waitMs = Math.max(0, Math.ceil(this.#timerDueMs - this.#clock.nowMs()));
    this.#timer = Number.isFinite(waitMs) ? this.#clock.after(waitMs, this.#onTimer) : undefined;
  }

  #judge(): void {
    if (this.#hasEnded || this.#isClosing) return;
    this.#timerDueMs = Infinity;
    if (this.session.tick(this.#clock.nowMs()) === 'dead') this.#die();
    else this.#armTimer();
  }

  #die(): void {
    if (this.#isClosing) return;
    this.#webSocket.terminate();
    this.#end(linkClose.silent, 'nothing was heard for too long');
  }

  #reset(): void {
    this.#isClosing = true;
    this.#timer?.cancel();
    this.#patience?.cancel();
    this.session.close(resetCode.cancelled);
  }

  #end(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#reset();
    // A peer that answers our close repeats the code, and need not repeat the reason (RFC 6455 §5.5.1).
    this.#handler.onEnd({
      code,
      reason: reason === '' ? this.#ownReason : reason,
      violation: this.#violation,
    });
  }
}
