/**
 * After a valid 101: raw bytes both ways between the client's socket and the stream, half-closes included, until
 * both sides have ended or one is lost. No deadline applies to it. A WebSocket can be asked to end in order.
 */
import type { Socket } from 'node:net';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { resetCode } from '../../shared/mux/codes.ts';
import { StreamPipe } from '../../shared/transport/stream-pipe.ts';
import type { PipeOwner } from '../../shared/transport/stream-pipe.ts';
import type { WriteBatch } from '../../shared/transport/write-batch.ts';
import type { Abortable, ExchangeRecord, RawListener } from '../exchange.ts';
import type { Ending } from './outcome.ts';
import type { StreamTunnel } from './tunnel.ts';
import type { OpenUpgrade, Upgrades } from './upgrades.ts';
import { WebSocketDown } from './web-socket.ts';
import type { WebSocketOwner } from './web-socket.ts';

export interface UpgradeOptions {
  readonly stream: MuxStream;
  readonly tunnel: StreamTunnel;
  readonly record: ExchangeRecord;
  readonly isWebSocket: boolean;
  /** Those that are open, this one among them until it is over. */
  readonly upgrades: Upgrades;
  /** The client's. */
  readonly connection: Abortable;
  /** Ended when it is over. */
  readonly ending: Ending;
}

export class Upgrade implements RawListener, PipeOwner, WebSocketOwner, OpenUpgrade {
  readonly tunnel: StreamTunnel;
  readonly #options: UpgradeOptions;
  readonly #pipe: StreamPipe;
  readonly #webSocket: WebSocketDown | undefined;
  #isOver = false;

  constructor(socket: Socket, batch: WriteBatch, options: UpgradeOptions) {
    this.#options = options;
    this.tunnel = options.tunnel;
    this.#pipe = new StreamPipe(socket, batch, this);
    this.#pipe.attach(options.stream);
    if (options.isWebSocket) {
      this.#webSocket = new WebSocketDown(this.#pipe, this);
      options.stream.handler = this.#webSocket;
    }
    options.record.raw = this.#pipe;
    options.upgrades.add(this);
  }

  get isTunnelAlive(): boolean {
    return this.tunnel.isAlive;
  }

  /** A WebSocket ends in order; of another protocol nobody here knows how. */
  leave(reason: string): void {
    this.#webSocket?.leave(reason);
  }

  /** Raw bytes that came in one piece with the 101. */
  fromStream(bytes: Uint8Array): void {
    const { stream } = this.#options;
    stream.handler.onData(stream, bytes);
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
    if (this.#pipe.isAttached) this.#options.record.abortedBy ??= 'client';
    this.#pipe.reset(resetCode.cancelled);
    this.#finish();
  }

  onStreamReset(): void {
    this.#options.record.abortedBy ??= 'backend';
    this.#options.connection.abort();
    this.#finish();
  }

  onPipeEnd(): void {
    this.#pipe.closeSocket();
    this.#finish();
  }

  onClosingTimeout(): void {
    this.#pipe.reset(resetCode.cancelled);
    this.#pipe.closeSocket();
    this.#finish();
  }

  /** Its own FIN follows the Close frame; the client's answer to it reaches nobody any more. */
  onTold(): void {
    this.#options.record.abortedBy ??= 'proxy';
    this.#pipe.closeSocket();
    this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { record, upgrades, ending } = this.#options;
    this.#webSocket?.stop();
    record.requestBytes += this.#pipe.bytesIn;
    record.responseBytes += this.#pipe.bytesOut;
    record.raw = undefined;
    upgrades.delete(this);
    ending.end();
  }
}
