/**
 * One socket to the backend. It serves one stream at a time by a raw pipe and, between two, waits in the pool.
 * It parses no HTTP: the proxy's reset code says whether the socket may serve again. Its listeners are set once
 * for its whole life.
 */
import { Socket } from 'node:net';
import type { BlockPool } from '../../shared/mux/blocks.ts';
import { resetCode } from '../../shared/mux/codes.ts';
import type { ResetCode } from '../../shared/mux/codes.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { resetSocket } from '../../shared/transport/reset-socket.ts';
import { StreamPipe } from '../../shared/transport/stream-pipe.ts';
import type { PipeOwner } from '../../shared/transport/stream-pipe.ts';
import type { WriteBatch } from '../../shared/transport/write-batch.ts';
import type { BackendDialer } from './connect.ts';
import type { ReadMemory } from './read-memory.ts';
import { isInterim, requestIdOf } from './request-id.ts';

/** Why a backend could not serve an exchange. */
export interface BackendFailure {
  readonly code: ResetCode;
  readonly cause: Error | undefined;
  readonly requestId: string | undefined;
}

export interface ConnectionOwner {
  /** The exchange ended with *done*: the socket may serve another. */
  onReusable(connection: BackendConnection): void;
  /** The socket is destroyed. May be called more than once. */
  onGone(connection: BackendConnection): void;
  /** For the log: why a backend could not serve. Nothing of the exchange is in it. */
  onFailure(failure: BackendFailure): void;
}

/** How it comes to be connected. */
export interface Connecting {
  readonly dialer: BackendDialer;
  /** TCP and TLS together. */
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  readonly memory: ReadMemory;
}

export class BackendConnection implements PipeOwner {
  /** When it came back to the pool. */
  idleSinceMs = 0;
  readonly #socket: Socket;
  readonly #pipe: StreamPipe;
  readonly #owner: ConnectionOwner;
  #isReady = false;
  #tcpIsUp = false;
  #hasEnded = false;
  #heardMs = 0;
  /** Of the stream, for whoever has to say whose request failed: its head is in it. */
  #firstBytes: Uint8Array | undefined;
  /** In their place, once they are not kept any more. */
  #requestId: string | undefined;

  constructor(connecting: Connecting, batch: WriteBatch, owner: ConnectionOwner) {
    const { dialer, connectTimeoutMs, clock } = connecting;
    const socket = this.#connect(connecting);
    this.#socket = socket;
    this.#owner = owner;
    this.#pipe = new StreamPipe(socket, batch, this);
    const connectTimer = clock.after(connectTimeoutMs, () => {
      this.#fail(resetCode.backendConnectTimeout, undefined);
    });
    socket.once('connect', () => {
      this.#tcpIsUp = true;
    });
    socket.once(dialer.readyEvent, () => {
      this.#isReady = true;
      connectTimer.cancel();
    });
    socket.on('drain', () => {
      this.#pipe.socketDrained();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      // Within a TLS handshake an end is a failure, which 'error' tells; passed on it would look like an empty answer.
      if (!this.#isReady) return;
      if (this.#pipe.isAttached) this.#pipe.socketEnded();
      else this.destroy();
    });
    socket.on('error', (cause) => {
      this.#fail(this.#failureCode(), cause);
    });
    socket.on('close', () => {
      connectTimer.cancel();
      this.#pipe.reset(this.#failureCode());
      owner.onGone(this);
    });
  }

  /** When the backend last said something: from then on it counts, if it counts at all, how long we are idle. */
  get heardMs(): number {
    return this.#heardMs;
  }

  serve(stream: MuxStream): void {
    this.#firstBytes = undefined;
    this.#requestId = undefined;
    this.#pipe.attach(stream);
  }

  /** False from the moment the backend began to close it, which may be before the pool has heard of it. */
  get isUsable(): boolean {
    return !this.#socket.destroyed && !this.#hasEnded;
  }

  destroy(): void {
    this.#socket.destroy();
    this.#owner.onGone(this);
  }

  #connect({ dialer, clock, memory }: Connecting): Socket {
    const receive = (chunk: Uint8Array, pool?: BlockPool): void => {
      this.#heardMs = clock.nowMs();
      // A backend that speaks while nothing was asked would put its bytes in front of the next answer.
      if (!this.#pipe.isAttached) {
        this.destroy();
        return;
      }
      if (this.#pipe.bytesIn === 0 && isInterim(chunk)) this.#keepRequestId();
      this.#pipe.fromSocket(chunk, pool);
    };
    if (!canShareReads) return dialer.connect().on('data', (chunk: Buffer) => receive(chunk));
    let size: 'large' | 'small' = 'small';
    return dialer.connect({
      buffer: () => memory.room(size),
      callback: (count, bytes) => {
        const pool = memory.poolFor(count, this.#pipe.isNarrow);
        receive(pool === undefined ? memory.take(bytes, count) : bytes.subarray(0, count), pool);
        size = this.#pipe.isNarrow ? 'small' : 'large';
        return true;
      },
    });
  }

  /** Of what may last for days, as a WebSocket does, the id is kept and not the message that it came in. */
  #keepRequestId(): void {
    this.#requestId = requestIdOf(this.#firstBytes);
    this.#firstBytes = undefined;
  }

  // From the pipe.

  onFirstBytes(bytes: Uint8Array): void {
    this.#firstBytes = bytes;
  }

  onStreamReset(code: ResetCode, leftBytes: number): void {
    this.#firstBytes = undefined;
    // Bytes left behind would be the rest of an answer that said less of its length: more of it may follow.
    const isClean = this.#isReady && !this.#hasEnded && leftBytes === 0 && this.#pipe.unsentBytes === 0;
    if (code === resetCode.done && isClean) {
      // It may have been paused for credit that the stream no longer needs.
      this.#socket.resume();
      this.#owner.onReusable(this);
      return;
    }
    // An abort must reach the backend as an abort: a FIN could pass for the end of a raw upload.
    if (this.#isReady && !this.#hasEnded && isPlain(this.#socket)) resetSocket(this.#socket);
    else this.#socket.destroy();
  }

  onPipeEnd(): void {
    this.#pipe.closeSocket();
  }

  #failureCode(): ResetCode {
    if (this.#isReady) return resetCode.backendReset;
    return this.#tcpIsUp ? resetCode.backendTls : resetCode.backendUnreachable;
  }

  #fail(code: ResetCode, cause: Error | undefined): void {
    if (this.#pipe.isAttached) {
      const requestId = this.#requestId ?? requestIdOf(this.#firstBytes);
      this.#owner.onFailure({ code, cause, requestId });
    }
    this.#pipe.reset(code);
    this.#socket.destroy();
  }
}

/** Windows fills the memory of a read while others are under way: there each has its own. */
const canShareReads = process.platform !== 'win32';

/** Only a plain TCP socket can be reset; under TLS an end without close_notify says the same. */
function isPlain(socket: Socket): boolean {
  return Object.getPrototypeOf(socket) === Socket.prototype && socket.remoteFamily !== undefined;
}
