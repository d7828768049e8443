/**
 * After a valid 101: raw bytes both ways between the client's socket and the stream, half-closes included, until
 * both sides have ended or one is lost. No deadline applies to it.
 */
import type { Socket } from 'node:net';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { resetCode } from '../../shared/mux/codes.ts';
import { StreamPipe } from '../../shared/transport/stream-pipe.ts';
import type { PipeOwner } from '../../shared/transport/stream-pipe.ts';
import type { WriteBatch } from '../../shared/transport/write-batch.ts';
import type { ExchangeRecord, RawListener } from '../exchange.ts';

export class Upgrade implements RawListener, PipeOwner {
  readonly #socket: Socket;
  readonly #pipe: StreamPipe;
  readonly #record: ExchangeRecord;
  readonly #abort: () => void;
  readonly #settle: () => void;

  /** @param abort resets the client's connection; @param settle is called once, when the upgrade is over */
  constructor(
    socket: Socket,
    batch: WriteBatch,
    stream: MuxStream,
    record: ExchangeRecord,
    abort: () => void,
    settle: () => void,
  ) {
    this.#socket = socket;
    this.#record = record;
    this.#abort = abort;
    this.#settle = settle;
    this.#pipe = new StreamPipe(socket, batch, this);
    this.#pipe.attach(stream);
  }

  /** Raw bytes that came in one piece with the 101. */
  fromStream(stream: MuxStream, bytes: Uint8Array): void {
    this.#pipe.onData(stream, bytes);
  }

  fromSocket(chunk: Uint8Array): void {
    this.#pipe.fromSocket(chunk);
  }

  socketDrained(): void {
    this.#pipe.socketDrained();
  }

  socketEnded(): void {
    this.#pipe.socketEnded();
  }

  socketGone(): void {
    if (this.#pipe.isAttached) this.#record.abortedBy ??= 'client';
    this.#pipe.reset(resetCode.cancelled);
    this.#finish();
  }

  onStreamReset(): void {
    this.#record.abortedBy ??= 'backend';
    this.#abort();
    this.#finish();
  }

  onPipeEnd(): void {
    this.#socket.destroySoon();
    this.#finish();
  }

  #finish(): void {
    this.#record.requestBytes += this.#pipe.bytesIn;
    this.#record.responseBytes += this.#pipe.bytesOut;
    this.#settle();
  }
}
