/**
 * One try of one exchange on one stream: the client's events become stream writes, the stream's events become the
 * answer, and whichever side breaks off, the other hears of it as an abort. It ends in exactly one outcome. It
 * does not choose tunnels and does not try again.
 */
import type { Field } from '../../shared/http1/fields.ts';
import type { ResponseHead } from '../../shared/http1/head.ts';
import { Kind } from '../../shared/http1/hop.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import type { ResponseMeaning } from '../../shared/http1/rules.ts';
import type { Forwarding } from '../../shared/http1/write.ts';
import { resetCode } from '../../shared/mux/codes.ts';
import type { ResetCode } from '../../shared/mux/codes.ts';
import type { StreamHandler } from '../../shared/mux/session.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { apart } from '../../shared/transport/own-bytes.ts';
import type { FailureCode } from '../../shared/protocol/failures.ts';
import type { ClientListener, Exchange } from '../exchange.ts';
import type { AnswerScanners } from './answer-scanners.ts';
import type { ForwardLimits } from './limits.ts';
import { failureOfReset, over } from './outcome.ts';
import type { AttemptOwner, Outcome } from './outcome.ts';
import { RequestWriter } from './request.ts';
import { ResponseRelay } from './response.ts';
import type { ResponseListener } from './response.ts';
import type { StreamTunnel } from './tunnel.ts';
import { Upgrade } from './upgrade.ts';
import type { Upgrades } from './upgrades.ts';

const bodilessMethods = new Set(['GET', 'HEAD']);
const repeatableMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface AttemptContext {
  readonly limits: ForwardLimits;
  readonly upgrades: Upgrades;
  readonly scanners: AnswerScanners;
}

export class Attempt implements StreamHandler, ClientListener, ResponseListener {
  readonly #exchange: Exchange;
  readonly #tunnel: StreamTunnel;
  readonly #limits: ForwardLimits;
  readonly #upgrades: Upgrades;
  readonly #response: ResponseRelay;
  readonly #owner: AttemptOwner;
  #stream: MuxStream | undefined;
  #request: RequestWriter | undefined;
  #upgrade: Upgrade | undefined;
  /** The request was all sent when the final head came. */
  #wasSentAtHead = false;
  /** What the final head told the client. */
  #persists = false;
  #hasFinalHead = false;
  /** The backend may send a body where none may be. */
  #mayOweBody = false;
  #bodyHasBegun = false;
  #unconsumedBytes = 0;
  #hasMoved = true;
  #movedAtMs = 0;
  #sentAtMs = Infinity;

  constructor(exchange: Exchange, tunnel: StreamTunnel, context: AttemptContext, owner: AttemptOwner) {
    this.#exchange = exchange;
    this.#tunnel = tunnel;
    this.#limits = context.limits;
    this.#upgrades = context.upgrades;
    this.#owner = owner;
    this.#response = new ResponseRelay(exchange, context, this);
  }

  start(forwarding: Forwarding): void {
    const stream = this.#tunnel.open(this);
    if (stream === undefined) {
      // Accepting and yet without a stream: it carries as many as it may.
      const code = this.#tunnel.isAccepting ? 'overloaded' : 'agent_offline';
      this.#owner.settle({ kind: 'failed', code, mayRetry: true });
      return;
    }
    this.#stream = stream;
    this.#request = new RequestWriter(this.#exchange, forwarding, stream);
    this.#exchange.client.listen(this);
  }

  // From the client.

  bodyRoom(): number {
    return this.#request?.bodyRoom() ?? 0;
  }

  onBody(bytes: Uint8Array): void {
    this.#hasMoved = true;
    this.#bodyHasBegun = true;
    this.#exchange.record.requestBytes += bytes.length;
    this.#request?.writeBody(bytes);
  }

  onBodyEnd(trailers: readonly Field[]): void {
    this.#request?.endBody(trailers);
  }

  onBodyRefused(refusal: Refusal): void {
    this.#exchange.record.code = refusal.code;
    this.#exchange.record.status ??= refusal.answer.status;
    this.#end(resetCode.cancelled, over);
  }

  onDrain(): void {
    if (this.#mustWait()) return;
    const held = this.#unconsumedBytes;
    this.#unconsumedBytes = 0;
    this.#hasMoved = true;
    if (held > 0) this.#stream?.consume(held);
  }

  onGone(): void {
    this.#exchange.record.abortedBy ??= 'client';
    this.#end(resetCode.cancelled, over);
  }

  onTick(nowMs: number): void {
    if (this.#hasMoved) this.#movedAtMs = nowMs;
    this.#hasMoved = false;
    if (!this.#hasFinalHead) {
      if (this.#sentAtMs === Infinity && this.#exchange.client.requestIsRead) this.#sentAtMs = nowMs;
      if (nowMs - this.#sentAtMs >= this.#limits.responseTimeoutMs)
        this.#fail('backend_timeout', resetCode.cancelled);
      // A backend that takes no more of the body and says nothing is as idle as one in the middle of its answer.
      if (this.#sentAtMs !== Infinity) return;
    }
    if (nowMs - this.#movedAtMs < this.#limits.idleTimeoutMs) return;
    if (this.#hasFinalHead) this.#exchange.record.abortedBy ??= 'proxy';
    this.#fail('backend_timeout', resetCode.cancelled);
  }

  // From the stream.

  onData(stream: MuxStream, bytes: Uint8Array): void {
    this.#hasMoved = true;
    try {
      this.#response.receive(stream.width === 'narrow' ? apart(bytes) : bytes);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (this.#upgrade !== undefined) return;
    if (this.#mustWait()) this.#unconsumedBytes += bytes.length;
    else stream.consume(bytes.length);
  }

  /** What was written stays in the stream's window: of a narrow one all of it, else what is beyond the socket's mark. */
  #mustWait(): boolean {
    return this.#exchange.client.holds(this.#stream?.width === 'narrow' ? 'anything' : 'too much');
  }

  onEnd(): void {
    if (!this.#response.hasBegun) {
      this.#fail('backend_reset', resetCode.cancelled);
      return;
    }
    try {
      this.#response.end();
    } catch (error) {
      this.#refuse(error);
    }
  }

  onReset(_stream: MuxStream, code: ResetCode): void {
    this.#stream = undefined;
    const { isAlive, isAccepting } = this.#tunnel;
    // By one that takes exchanges: it has no room for this one.
    const failure = code === resetCode.refused && isAccepting ? 'overloaded' : failureOfReset[code];
    this.#fail(isAlive ? failure : 'agent_lost', code);
  }

  onWritable(): void {
    this.#hasMoved = true;
    if (this.#request?.resume() === true) this.#exchange.client.resumeBody();
  }

  // From the answer.

  onHead(head: ResponseHead, meaning: ResponseMeaning): void {
    const { record, request } = this.#exchange;
    record.status = head.status;
    record.headAtMs = performance.now();
    this.#hasFinalHead = true;
    this.#mayOweBody = meaning.framing.kind === 'none' && (request.method === 'HEAD' || promisesBody(head));
    this.#wasSentAtHead = this.#request?.isSent === true;
    this.#persists = this.#exchange.client.mayPersist;
  }

  onSwitching(rest: Uint8Array): void {
    const { client, meaning, record } = this.#exchange;
    const stream = this.#stream;
    if (stream === undefined) return;
    record.status = 101;
    record.headAtMs = performance.now();
    this.#hasFinalHead = true;
    this.#stream = undefined;
    stream.consume(stream.unconsumedBytes - rest.length);
    // It keeps neither us nor the exchange, whose head and rules nobody asks for any more.
    client.switchTo((socket, batch, connection) => {
      const upgrade = new Upgrade(socket, batch, {
        stream,
        tunnel: this.#tunnel,
        record,
        isWebSocket: meaning.upgrade?.toLowerCase() === 'websocket',
        upgrades: this.#upgrades,
        connection,
        ending: this.#owner.ending,
      });
      this.#upgrade = upgrade;
      if (rest.length > 0) upgrade.fromStream(rest);
      return upgrade;
    });
  }

  onComplete(meaning: ResponseMeaning, hasExcess: boolean): void {
    const code = this.#isReusable(meaning, hasExcess) ? resetCode.done : resetCode.cancelled;
    if (hasExcess) this.#exchange.record.code = 'backend_excess';
    this.#stream?.reset(code);
    this.#stream = undefined;
    this.#exchange.client.finish(this.#persists);
    this.#owner.settle(over);
  }

  /** Only an ordinary exchange leaves the backend's connection in a state we can be sure of (DESIGN §3). */
  #isReusable(meaning: ResponseMeaning, hasExcess: boolean): boolean {
    const { request, meaning: asked } = this.#exchange;
    const isUnusual =
      hasExcess ||
      this.#mayOweBody ||
      asked.upgrade !== undefined ||
      (asked.framing.kind !== 'none' && bodilessMethods.has(request.method));
    return !isUnusual && meaning.keepAlive && this.#wasSentAtHead && this.#stream?.endReceived === false;
  }

  // Ending.

  #refuse(error: unknown): void {
    if (!(error instanceof Refusal)) throw error;
    this.#fail('backend_protocol', resetCode.protocolError);
  }

  /** The answer cannot come, or not to its end. */
  #fail(code: FailureCode, reason: ResetCode): void {
    const { client, record, request } = this.#exchange;
    record.code = code;
    if (this.#hasFinalHead) {
      record.abortedBy ??= 'backend';
      client.abort();
      this.#end(resetCode.cancelled, over);
      return;
    }
    const isRepeatable =
      repeatableMethods.has(request.method) && this.#exchange.meaning.framing.kind === 'none';
    const isUntouched = !this.#response.hasBegun && !this.#bodyHasBegun;
    const isLost = code === 'agent_lost' || code === 'backend_reset';
    const mayRetry = isUntouched && (reason === resetCode.refused || (isRepeatable && isLost));
    this.#end(reason, { kind: 'failed', code, mayRetry });
  }

  #end(code: ResetCode, outcome: Outcome): void {
    this.#stream?.reset(code);
    this.#stream = undefined;
    this.#request = undefined;
    this.#owner.settle(outcome);
  }
}

/**
 * Of an answer that ends with its head (RFC 9112 §6.3): a backend that announces a body may send it all the same. Behind
 * the end of this answer its bytes would be the answer to whoever is given the connection next.
 */
function promisesBody({ fields }: ResponseHead): boolean {
  return fields.holds(Kind.transferEncoding) || Number(fields.get('content-length') ?? '0') !== 0;
}
