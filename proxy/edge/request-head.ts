/**
 * The head of the next request on a connection: reads it, judges it, and knows until when it may take (RULES 5:
 * absolute deadlines, which no byte extends).
 */
import { HeadScanner } from '../../shared/http1/head.ts';
import type { RequestHead } from '../../shared/http1/head.ts';
import { readRequest } from '../../shared/http1/rules.ts';
import type { RequestMeaning } from '../../shared/http1/rules.ts';
import type { EdgeContext } from './context.ts';
import type { Input } from './input.ts';

export interface JudgedRequest {
  readonly request: RequestHead;
  readonly meaning: RequestMeaning;
}

export class RequestHeadReader {
  readonly #context: EdgeContext;
  readonly #scanner: HeadScanner<'request'>;
  #hasBegun = false;
  #readBytes = 0;
  #isHead = false;
  #deadlineMs: number;

  constructor(context: EdgeContext) {
    this.#context = context;
    this.#scanner = new HeadScanner('request', context.limits.head, context.decode);
    this.#deadlineMs = context.nowMs + context.limits.firstByteTimeoutMs;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Of this head so far. */
  get readBytes(): number {
    return this.#readBytes;
  }

  /** Whether the last request that was read whole asks for no content, whatever else is wrong with it (RFC 9110 §9.3.2). */
  get isHead(): boolean {
    return this.#isHead;
  }

  /** @param clientIsTaking it has not taken its last answer: the time for its next request has not begun */
  isExpired(nowMs: number, clientIsTaking: boolean): boolean {
    if (clientIsTaking && !this.#hasBegun) this.#waitForNext();
    return nowMs >= this.#deadlineMs;
  }

  /** The connection is kept: another request may come. */
  next(): void {
    this.#scanner.reset();
    this.#hasBegun = false;
    this.#readBytes = 0;
    this.#isHead = false;
    this.#waitForNext();
  }

  /** @throws Refusal */
  read(input: Input): JudgedRequest | undefined {
    const request = this.#scanner.push(input.bytes, input.offset);
    input.offset += this.#scanner.consumed;
    this.#readBytes += this.#scanner.consumed;
    if (!this.#hasBegun && this.#scanner.started) {
      this.#hasBegun = true;
      this.#deadlineMs = this.#context.nowMs + this.#context.limits.headerTimeoutMs;
    }
    if (request === undefined) return undefined;
    this.#isHead = request.method === 'HEAD';
    return { request, meaning: readRequest(request, this.#context.requestRules) };
  }

  #waitForNext(): void {
    this.#deadlineMs = this.#context.nowMs + this.#context.limits.keepAliveTimeoutMs;
  }
}
