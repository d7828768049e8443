/**
 * Plays a connection through the room, as a proxy would with nothing but this room, and says in words what became of it: scanner,
 * rules, body, next message. The words are those of `expect` in vectors.json. Bytes come in as many pieces as one likes; the bytes
 * behind an upgrade, behind the last response or behind a close are counted.
 */
import { createBodyReader } from '../../shared/http1/body.ts';
import type { BodyReader } from '../../shared/http1/body.ts';
import { hasBody } from '../../shared/http1/framing.ts';
import type { Framing } from '../../shared/http1/framing.ts';
import { HeadScanner } from '../../shared/http1/head.ts';
import type { BodyLimits, HeadLimits } from '../../shared/http1/limits.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import type { MessageKind } from '../../shared/http1/refusal.ts';
import { readRequest, readResponse } from '../../shared/http1/rules.ts';

export const VIA_NAME = 'edge';

export interface VerdictOptions {
  readonly kind: MessageKind;
  /** Of the request that a response answers. */
  readonly method?: string;
  readonly headLimits?: HeadLimits;
  readonly bodyLimits?: BodyLimits;
  /** How much of a body is taken at once. */
  readonly readBytes?: number;
}

/** What the vectors quote of a body. */
const QUOTED_BYTES = { request: 20, response: 30 } as const;

type State = 'head' | 'body' | 'hold' | 'tunnel' | 'extra' | 'ignore' | 'refused';

export class Verdict {
  readonly steps: string[] = [];
  /** The body of each message, decoded; the last may be incomplete. */
  readonly bodies: string[] = [];
  #state: State = 'head';
  #behind = 0;
  #step = '';
  #after: State = 'head';
  #suffix = '';
  #framing: Framing = { kind: 'none' };
  #body: BodyReader = createBodyReader({ kind: 'none' }, 'request');
  #text = '';
  readonly #options: VerdictOptions;
  readonly #requests: HeadScanner<'request'>;
  readonly #responses: HeadScanner<'response'>;

  constructor(options: VerdictOptions) {
    this.#options = options;
    this.#requests = new HeadScanner('request', options.headLimits);
    this.#responses = new HeadScanner('response', options.headLimits);
  }

  push(bytes: Uint8Array): void {
    this.#guard(() => {
      let at = 0;
      while (at < bytes.length && this.#state !== 'refused') {
        if (this.#state === 'head') at = this.#takeHead(bytes, at);
        else if (this.#state === 'body') at = this.#takeBody(bytes, at);
        else {
          this.#behind += bytes.length - at;
          at = bytes.length;
        }
      }
    });
  }

  end(): string {
    this.#guard(() => this.#end());
    return this.steps.join(' → ');
  }

  #takeHead(bytes: Uint8Array, at: number): number {
    const scanner = this.#options.kind === 'request' ? this.#requests : this.#responses;
    const head = scanner.push(bytes, at);
    const next = at + scanner.consumed;
    if (head === undefined) return next;
    scanner.reset();
    if (head.kind === 'request') {
      const meaning = readRequest(head, { viaName: VIA_NAME });
      this.#step = `${head.method} ${meaning.target}`;
      this.#framing = meaning.framing;
      this.#after = meaning.upgrade === undefined ? (meaning.keepAlive ? 'head' : 'ignore') : 'hold';
      this.#suffix = meaning.upgrade === undefined ? '' : ' UPG';
    } else {
      const meaning = readResponse(head, {
        method: this.#options.method ?? 'GET',
        version: '1.1',
        upgrade: 'websocket',
      });
      this.#step = `${head.status}`;
      this.#framing = meaning.framing;
      this.#after = meaning.interim ? 'head' : meaning.switching ? 'tunnel' : 'extra';
      this.#suffix = meaning.keepAlive || meaning.interim ? '' : ' no-reuse';
      if (meaning.switching) {
        this.#step += ' tunnel no-reuse';
        return this.#finish(this.#step, next);
      }
    }
    this.#body = createBodyReader(this.#framing, this.#options.kind, {
      ...(this.#options.bodyLimits && { limits: this.#options.bodyLimits }),
    });
    this.#text = '';
    this.#state = 'body';
    return this.#body.done ? this.#finishBody(next) : next;
  }

  #takeBody(bytes: Uint8Array, at: number): number {
    const body = this.#body;
    const next = body.read(bytes, at, this.#options.readBytes ?? Infinity);
    if (next <= at && !body.done) throw new Error('no progress');
    this.#text += Buffer.from(bytes.subarray(body.dataStart, body.dataEnd)).toString('latin1');
    return body.done ? this.#finishBody(next) : next;
  }

  #finishBody(next: number): number {
    this.bodies.push(this.#text);
    return this.#finish(`${this.#describe()}${this.#suffix}`, next);
  }

  #finish(step: string, next: number): number {
    this.steps.push(step);
    this.#step = '';
    this.#state = this.#after;
    return next;
  }

  #describe(): string {
    const framing = hasBody(this.#framing) ? this.#framing.kind : 'none';
    const quoted = JSON.stringify(this.#text.slice(0, QUOTED_BYTES[this.#options.kind]));
    return `${this.#step} ${framing}${this.#text === '' ? '' : ` ${quoted}`}`;
  }

  #end(): void {
    switch (this.#state) {
      case 'head':
        (this.#options.kind === 'request' ? this.#requests : this.#responses).end();
        break;
      case 'body':
        this.#endInBody();
        break;
      case 'hold':
        this.steps.push(`[hold ${this.#behind} B until 101]`);
        break;
      case 'tunnel':
        this.steps.push(`[tunnel, ${this.#behind} B]`);
        break;
      case 'ignore':
        this.steps.push(this.#behind > 0 ? `[close; ${this.#behind} B ignored]` : '[close]');
        break;
      case 'extra':
        if (this.#behind > 0) this.steps.push(`[${this.#behind} extra B: discard, close backend connection]`);
        break;
      case 'refused':
        break;
    }
  }

  /** A request may still be on its way; a response that ends here is complete or cut short. */
  #endInBody(): void {
    if (this.#options.kind === 'request') {
      this.steps.push(this.#describe(), '[wait body]');
      return;
    }
    try {
      this.#body.end();
      this.#finishBody(0);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.steps.push(this.#describe(), `ABORT (${error.reason}: abort client connection)`);
    }
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (this.#state === 'body') this.steps.push(`${this.#step} ${this.#framing.kind}`);
      this.steps.push(`${error.answer.status} (${error.reason})`);
      this.#state = 'refused';
    }
  }
}

/** The verdict on these bytes, given in these pieces. */
export function verdictOf(pieces: readonly Uint8Array[], options: VerdictOptions): string {
  const verdict = new Verdict(options);
  for (const piece of pieces) verdict.push(piece);
  return verdict.end();
}
