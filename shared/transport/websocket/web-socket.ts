/**
 * One end of a WebSocket (RFC 6455) on a socket whose handshake is over: frames in, frames out, the closing handshake and
 * its bound. Back-pressure is the socket's own, and whoever listens reads it there. It knows neither yamux nor tokens.
 */
import type { Socket } from 'node:net';
import { closePayload, opcode, writeFrame } from './frame.ts';
import type { Masking } from './frame.ts';
import { FrameReader, FrameViolation } from './frame-reader.ts';
import type { FrameHandler } from './frame-reader.ts';

export interface WebSocketHandler {
  /** Some bytes have been read: before what is in them. */
  onRead(byteCount: number): void;
  /** Of binary messages, in order; their borders are not told. */
  onBinary(bytes: Uint8Array): void;
  onText(text: string): void;
  /** Once; nothing is told after it: with the peer's code, or 1005 (none was given), 1006 (no Close came), or what a broken frame deserved. */
  onClose(code: number, reason: string): void;
}

/** How long the peer may take to answer our Close and to end the connection; then the socket is destroyed. */
const closeTimeoutMs = 2_000;
/** A peer that pings and does not read gets no more pongs than this holds; the last one follows when it reads. */
const maxUnsentForPong = 16 * 1024;
const noClose = 1006;

export class WebSocket implements FrameHandler {
  readonly masking: Masking;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  #handler: WebSocketHandler | undefined;
  #hasSentClose = false;
  #code = noClose;
  #reason = '';
  #owedPong: Uint8Array | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  #isGone = false;
  #hasTold = false;

  /** @param held what came behind the handshake. The socket is paused until `listen`. */
  constructor(socket: Socket, masking: Masking, held: Uint8Array) {
    this.masking = masking;
    this.#socket = socket;
    this.#reader = new FrameReader(masking === 'none' ? 'client' : 'server', this);
    socket.setNoDelay(true);
    socket.pause();
    if (held.length > 0) socket.unshift(held);
    // 'close' follows, and that is what counts.
    socket.on('error', ignore);
    socket.once('close', () => this.#gone());
  }

  /** Begins to read, in a later turn. */
  listen(handler: WebSocketHandler): void {
    this.#handler = handler;
    if (this.#isGone) {
      setImmediate(() => this.#tell());
      return;
    }
    this.#socket.on('data', (bytes: Buffer) => {
      handler.onRead(bytes.length);
      this.#read(bytes);
    });
    this.#socket.once('end', () => this.#ended());
    this.#socket.on('drain', () => this.#payPong());
    this.#socket.resume();
  }

  /** Until either side has begun to close it. */
  get isOpen(): boolean {
    return !this.#isGone && !this.#hasSentClose && this.#socket.writable;
  }

  /** At most 256 KiB of UTF-8: our own reader takes no more. */
  sendText(text: string): void {
    this.#write(opcode.text, Buffer.from(text));
  }

  /** Says Close and nothing after it; the peer has 2 s to answer. Idempotent. */
  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#sayClose(code, reason);
  }

  /** Ends it at once, without a word. Idempotent. */
  terminate(): void {
    this.#reader.stop();
    this.#socket.destroy();
  }

  // From the reader.

  onBinary(bytes: Uint8Array): void {
    this.#handler?.onBinary(bytes);
  }

  onText(text: string): void {
    this.#handler?.onText(text);
  }

  /** Answered when all is read that came with it: of several, the last (§5.5.3), so that a flood of them costs no write each. */
  onPing(payload: Uint8Array): void {
    this.#owedPong = payload;
  }

  onClose(code: number, reason: string): void {
    this.#code = code;
    this.#reason = reason;
    if (!this.#hasSentClose) this.#sayClose(code === 1005 ? 1000 : code, '');
    // Both have said Close (§7.1.1): the server ends the connection first, the client waits for that.
    if (this.masking === 'none') this.#socket.end();
  }

  #read(bytes: Uint8Array): void {
    try {
      this.#reader.push(bytes);
      if (this.#socket.writableLength <= maxUnsentForPong) this.#payPong();
    } catch (error) {
      if (!(error instanceof FrameViolation)) throw error;
      this.#code = error.answer.closeCode;
      if (!this.#hasSentClose) this.#sayClose(error.answer.closeCode, error.code);
      // What else comes is read and thrown away: unread bytes would turn our end into a reset, which takes the Close along.
      this.#socket.end();
      this.#tell();
    }
  }

  #ended(): void {
    this.#reader.stop();
    this.#armCloseTimer();
    this.#socket.end();
  }

  #sayClose(code: number, reason: string): void {
    this.#write(opcode.close, closePayload(code, reason));
    this.#hasSentClose = true;
    this.#armCloseTimer();
  }

  #write(code: number, payload: Uint8Array): void {
    if (this.isOpen) this.#socket.write(writeFrame(code, payload, this.masking));
  }

  #payPong(): void {
    const payload = this.#owedPong;
    this.#owedPong = undefined;
    if (payload !== undefined) this.#write(opcode.pong, payload);
  }

  #armCloseTimer(): void {
    this.#closeTimer ??= setTimeout(() => this.#socket.destroy(), closeTimeoutMs);
  }

  #gone(): void {
    this.#isGone = true;
    clearTimeout(this.#closeTimer);
    this.#reader.stop();
    this.#tell();
  }

  #tell(): void {
    const handler = this.#handler;
    if (handler === undefined || this.#hasTold) return;
    this.#hasTold = true;
    handler.onClose(this.#code, this.#reason);
  }
}

function ignore(): void {
  // See the constructor.
}
