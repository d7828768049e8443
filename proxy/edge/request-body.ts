/**
 * The body of the request in hand: reads it from the input as far as its listener has room, and judges its pace
 * (RULES 33). The pace counts only while we wait for the client, never while the client waits for us.
 */
import { createBodyReader } from '../../shared/http1/body.ts';
import type { BodyReader } from '../../shared/http1/body.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import type { Field } from '../../shared/http1/fields.ts';
import type { RequestMeaning } from '../../shared/http1/rules.ts';
import type { ClientListener } from '../exchange.ts';
import type { Input } from './input.ts';
import type { EdgeLimits } from './limits.ts';

export class RequestBody {
  readonly #reader: BodyReader;
  readonly #limits: EdgeLimits;
  #lastBytesAtMs: number;
  #spanStartMs: number;
  #spanBytes = 0;
  #hasNewBytes = false;
  #weWait = true;
  #maxBytes = Infinity;

  constructor(meaning: RequestMeaning, limits: EdgeLimits, nowMs: number) {
    const { connectionNames } = meaning;
    this.#reader = createBodyReader(meaning.framing, 'request', { limits: limits.body, connectionNames });
    this.#limits = limits;
    this.#lastBytesAtMs = nowMs;
    this.#spanStartMs = nowMs;
  }

  get trailers(): readonly Field[] {
    return this.#reader.trailers;
  }

  /** Beside the limit of the edge, which holds for every request. */
  limit(maxBytes: number): void {
    this.#maxBytes = maxBytes;
  }

  arrived(byteCount: number): void {
    this.#spanBytes += byteCount;
    this.#hasNewBytes = true;
  }

  /**
   * Moves what is there to the listener. `full`: the listener has no room, ask again when it has; `more`: the input
   * is used up; `done`: the body is complete. @throws Refusal
   */
  read(input: Input, listener: ClientListener): 'full' | 'more' | 'done' {
    const reader = this.#reader;
    while (!input.isEmpty && !reader.done) {
      const room = listener.bodyRoom();
      this.#weWait = room > 0;
      if (room === 0) return 'full';
      input.offset = reader.read(input.bytes, input.offset, room);
      if (reader.size > this.#maxBytes) throw new Refusal('body_too_large', 'request');
      if (reader.dataEnd > reader.dataStart) {
        listener.onBody(input.bytes.subarray(reader.dataStart, reader.dataEnd));
      }
    }
    this.#weWait = true;
    return reader.done ? 'done' : 'more';
  }

  /** Looked at by the sweep. */
  isTooSlow(nowMs: number): boolean {
    const { bodyTimeoutMs, minBodyBytesPerSecond } = this.#limits;
    if (this.#hasNewBytes || !this.#weWait) this.#lastBytesAtMs = nowMs;
    if (!this.#weWait) this.#startSpan(nowMs);
    this.#hasNewBytes = false;
    if (nowMs - this.#lastBytesAtMs >= bodyTimeoutMs) return true;
    if (nowMs - this.#spanStartMs < bodyTimeoutMs) return false;
    const isSlow = this.#spanBytes * 1_000 < minBodyBytesPerSecond * (nowMs - this.#spanStartMs);
    this.#startSpan(nowMs);
    return isSlow;
  }

  #startSpan(nowMs: number): void {
    this.#spanStartMs = nowMs;
    this.#spanBytes = 0;
  }
}
