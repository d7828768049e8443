/**
 * One client connection: requests are read one after the other, each becomes an exchange, and the connection
 * lives on or is closed as RULES 46–50 say. It knows its socket and HTTP's framing; what an exchange is for, and
 * where it goes, its handler knows. Deadlines are looked at by the listener's sweep, never by timers of its own.
 */
import type { Socket } from 'node:net';
import { hasBody } from '../../shared/http1/framing.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import type { WriteBatch } from '../../shared/transport/write-batch.ts';
import type { Abortable, Client, ClientListener, RawListener } from '../exchange.ts';
import type { Accepted, EdgeContext, SweptConnection } from './context.ts';
import { Input } from './input.ts';
import { Output } from './output.ts';
import type { DrainBounds } from './limits.ts';
import { RawConnection } from './raw-connection.ts';
import { bodyTooSlow, headTooSlow } from './refuse.ts';
import { RequestBody } from './request-body.ts';
import { RequestHeadReader } from './request-head.ts';

// head: reading a request · body: an exchange, its body still arriving · answer: an exchange, the request read ·
// farewell: our last answer said · over: destroyed, upgraded or given away.
type State = 'head' | 'body' | 'answer' | 'farewell' | 'over';

export class ClientConnection implements Client, SweptConnection {
  readonly address: string;
  readonly isTrusted: boolean;
  readonly isSecure: boolean;
  readonly #socket: Socket;
  readonly #context: EdgeContext;
  readonly #head: RequestHeadReader;
  readonly #input = new Input();
  readonly #output: Output;
  #state: State = 'head';
  #body: RequestBody | undefined;
  #keepAlive = true;
  #clientHasEnded = false;
  #requestCount = 0;
  #isReadingHeads = false;
  #listener: ClientListener | undefined;

  constructor({ socket, tcp, address, isTrusted }: Accepted, context: EdgeContext) {
    this.#socket = socket;
    this.#context = context;
    this.#output = new Output(socket, tcp, context, () => this.#drained());
    this.isSecure = socket !== tcp;
    this.address = address;
    this.isTrusted = isTrusted;
    this.#head = new RequestHeadReader(context);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('end', () => this.#ended());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#gone());
  }

  // What the listener may ask.

  get isIdle(): boolean {
    return this.#state === 'head' && !this.#head.hasBegun;
  }

  tick(nowMs: number): void {
    if (this.#state === 'head' && this.#head.isExpired(nowMs, this.#output.isWaiting)) this.#expired();
    if (this.#body?.isTooSlow(nowMs) === true) this.#refuseBody(bodyTooSlow());
    this.#output.tick(nowMs);
    this.#listener?.onTick(nowMs);
  }

  /** Of an idle connection: as soon as the client has taken its last answer. */
  destroy(): void {
    if (this.#output.isWaiting) this.#close(this.#context.limits.refusalDrain, true);
    else this.#socket.destroy();
  }

  // What the exchange may ask.

  get requestIsRead(): boolean {
    return this.#state !== 'body';
  }

  get mayPersist(): boolean {
    const { isDraining, limits } = this.#context;
    if (isDraining || !this.#keepAlive || (this.#clientHasEnded && this.#input.isEmpty)) return false;
    return this.#state === 'answer' && this.#requestCount < limits.maxRequestsPerConnection;
  }

  holds(amount: 'anything' | 'too much'): boolean {
    return this.#output.holds(amount);
  }

  get isGone(): boolean {
    return this.#state === 'over';
  }

  get heldBytes(): number {
    return this.#head.readBytes + this.#input.length;
  }

  listen(listener: ClientListener): void {
    this.#listener = listener;
    this.resumeBody();
  }

  limitBody(maxBytes: number): void {
    this.#body?.limit(maxBytes);
  }

  resumeBody(): void {
    if (this.#state === 'body') this.#readBody();
  }

  write(bytes: Uint8Array | string): void {
    this.#output.write(bytes);
  }

  writeFinalHead(head: string): void {
    this.#output.writeFinalHead(head);
  }

  finish(persist: boolean): void {
    if (this.#state !== 'answer' && this.#state !== 'body') return;
    const { limits } = this.#context;
    this.#listener = undefined;
    this.#body = undefined;
    if (!persist || !this.mayPersist) {
      this.#close(this.#state === 'body' ? limits.earlyAnswerDrain : limits.refusalDrain);
      return;
    }
    this.#state = 'head';
    this.#output.next();
    this.#head.next();
    if (!this.#isReadingHeads) this.#readHeads();
  }

  abort(): void {
    this.#listener = undefined;
    this.#output.abort();
  }

  switchTo(begin: (socket: Socket, batch: WriteBatch, connection: Abortable) => RawListener): void {
    const raw = new RawConnection(this.#socket, this.#output, this.#context);
    this.#context.onUpgraded(this, raw);
    const { socket, held } = this.release();
    raw.begin(begin(socket, this.#context.batch, raw), held, this.#clientHasEnded);
  }

  release(): { readonly socket: Socket; readonly held: Uint8Array } {
    this.#state = 'over';
    this.#listener = undefined;
    for (const event of ['data', 'drain', 'end', 'error', 'close']) this.#socket.removeAllListeners(event);
    this.#output.release();
    this.#context.onOver(this);
    return { socket: this.#socket, held: this.#input.take() };
  }

  // Reading.

  #receive(chunk: Buffer): void {
    switch (this.#state) {
      case 'head':
        this.#input.append(chunk);
        this.#readHeads();
        return;
      case 'body':
        this.#body?.arrived(chunk.length);
        this.#input.append(chunk);
        this.#readBody();
        return;
      case 'answer':
        this.#input.append(chunk);
        this.#regulate();
        return;
      case 'farewell':
        this.#output.ignored(chunk.length);
        return;
      case 'over':
    }
  }

  /**
   * Reads requests until one waits for its answer, the input is used up, or so many answers lie there untaken that
   * the client must not be owed more. An exchange that is answered on the spot comes back here by finish(): as the
   * next turn of this loop, since pipelined ones could be thousands deep.
   */
  #readHeads(): void {
    this.#isReadingHeads = true;
    try {
      while (this.#state === 'head' && !this.#input.isEmpty && !this.#output.isFull) this.#readHead();
    } catch (error) {
      this.#refuse(error);
    } finally {
      this.#isReadingHeads = false;
    }
    this.#regulate();
  }

  #readHead(): void {
    const judged = this.#head.read(this.#input);
    if (judged === undefined) return;
    const { request, meaning } = judged;
    this.#requestCount += 1;
    this.#keepAlive = meaning.keepAlive;
    const isToCome = hasBody(meaning.framing);
    this.#state = isToCome ? 'body' : 'answer';
    this.#body = isToCome ? new RequestBody(meaning, this.#context.limits, this.#context.nowMs) : undefined;
    this.#context.onExchange(request, meaning, this);
  }

  #readBody(): void {
    const body = this.#body;
    const listener = this.#listener;
    if (body !== undefined && listener !== undefined) {
      try {
        if (body.read(this.#input, listener) === 'done') {
          this.#body = undefined;
          this.#state = 'answer';
          listener.onBodyEnd(body.trailers);
        }
      } catch (error) {
        this.#refuseBody(error);
      }
    }
    this.#regulate();
  }

  /** Reads on only where what comes has a place: what is held behind a request in hand is bounded. */
  #regulate(): void {
    if (this.#clientHasEnded && this.#input.isEmpty) this.#endIfCut();
    if (this.#state === 'over') return;
    const bound = this.#state === 'answer' ? this.#context.limits.maxPipelinedBytes : 1;
    if (this.#input.length < bound) this.#socket.resume();
    else this.#socket.pause();
  }

  #drained(): void {
    if (this.#output.isFull) return;
    this.#listener?.onDrain();
    if (this.#state === 'head') this.#readHeads();
  }

  #ended(): void {
    this.#clientHasEnded = true;
    this.#regulate();
  }

  /** Nothing more comes. What was asked whole is answered (RULES 49), what was cut must not pass for complete (RULES 26). */
  #endIfCut(): void {
    if (this.#state === 'answer' || this.#state === 'over') return;
    this.#body = undefined;
    if (this.#state === 'farewell') this.#socket.destroySoon();
    else if (this.#output.answerHasBegun) this.#output.abort();
    else this.#close(this.#context.limits.refusalDrain);
  }

  #gone(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#input.clear();
    const listener = this.#listener;
    this.#listener = undefined;
    this.#context.onOver(this);
    listener?.onGone();
  }

  // Ending.

  #refuse(error: unknown): void {
    if (!(error instanceof Refusal)) throw error;
    this.write(this.#context.onRefusal(error, this, this.#head.isHead));
    this.#close(this.#context.limits.refusalDrain);
  }

  #refuseBody(error: unknown): void {
    if (!(error instanceof Refusal)) throw error;
    const listener = this.#listener;
    this.#listener = undefined;
    this.#body = undefined;
    listener?.onBodyRefused(error);
    if (this.#output.answerHasBegun) this.abort();
    else this.#refuse(error);
  }

  #expired(): void {
    if (this.#head.hasBegun) this.#refuse(headTooSlow());
    else this.#socket.destroy();
  }

  #close(bounds: DrainBounds, isIdle = false): void {
    const isRead = isIdle || (this.#state === 'answer' && this.#input.isEmpty);
    this.#state = 'farewell';
    // A client that sends nothing has nothing that could erase its answer: a proxy that stops does not wait for it.
    const isOver = this.#clientHasEnded || (this.#context.isDraining && isRead);
    this.#output.close(bounds, this.#input.length, isOver);
    this.#input.clear();
  }
}
