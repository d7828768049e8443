/**
 * What the rules make of a connection's bytes, played through shared/http1 alone, without the edge: which requests are
 * accepted, with which body, and how it ends. It is what every other reading must equal.
 */
import { hasBody } from '../../shared/http1/framing.ts';
import { createBodyReader, type BodyReader } from '../../shared/http1/body.ts';
import { HeadScanner, type RequestHead } from '../../shared/http1/head.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import { readRequest, type RequestMeaning } from '../../shared/http1/rules.ts';
import { bodyText } from './record.ts';

export interface ReadRequest {
  readonly method: string;
  /** In the form that goes to the backend. */
  readonly target: string;
  /** In the form of `bodyText`. */
  readonly body: string;
  /** Who answers: the backend, or the proxy with this status because nothing goes to a backend. */
  readonly answeredBy: 'backend' | number;
  /** Nothing in its first line, its Host or for proxies is unusual: no backend has a reason to refuse it for them. */
  readonly isPlain: boolean;
}

export interface Reading {
  /** Accepted whole. */
  readonly requests: readonly ReadRequest[];
  /** Its head was accepted, and its body never came to its end. */
  readonly partial: ReadRequest | undefined;
  /** Of a head that was read whole and broke a rule: its refusal is answered as that method is. */
  readonly refusedMethod: string | undefined;
  /** refused: with this status · closed: nothing behind the last request counts · open: more could come. */
  readonly end:
    | { readonly kind: 'refused'; readonly status: number; readonly code: string }
    | { readonly kind: 'closed' | 'open' };
  /** The bytes end between two requests. */
  readonly isBetween: boolean;
}

/** No run's own name in Via: a loop is not among the cases. */
const viaName = 'no-proxy';

interface Current {
  readonly head: RequestHead;
  readonly meaning: RequestMeaning;
  readonly body: BodyReader;
  readonly pieces: Uint8Array[];
}

/** Bytes in these pieces. `isRouted` says whether a backend serves the host. */
export function readRequests(pieces: readonly Uint8Array[], isRouted: (host: string) => boolean): Reading {
  const reader = new Reader(isRouted);
  for (const piece of pieces) reader.push(piece);
  const { requests, partial, refusedMethod, end, isBetween } = reader;
  return { requests, partial, refusedMethod, end, isBetween };
}

const plainMethod = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH)$/;
/** Without dots, percent signs and the like, which servers have views on. */
const plainTarget = /^\/[\w/?=&;-]{0,2000}$/;
const plainHost = /^[\w.-]+(?::[1-9]\d*)?$/;

function looksPlain({ method, fields }: RequestHead, { target, authority }: RequestMeaning): boolean {
  // nginx takes a tab for part of a Host and wants many fields once, Apache as a proxy reads Max-Forwards with every method.
  const hasTab = /^host:[^\r]*\t/im.test(fields.lines(0, fields.length));
  const isForProxies = fields.get('max-forwards') !== undefined;
  const names = Array.from(fields, ({ lower }) => lower);
  if (hasTab || isForProxies || new Set(names).size < names.length) return false;
  return plainMethod.test(method) && plainTarget.test(target) && plainHost.test(authority);
}

class Reader {
  readonly requests: ReadRequest[] = [];
  refusedMethod: string | undefined;
  end: Reading['end'] = { kind: 'open' };
  readonly #isRouted: (host: string) => boolean;
  readonly #scanner = new HeadScanner('request');
  #current: Current | undefined;

  constructor(isRouted: (host: string) => boolean) {
    this.#isRouted = isRouted;
  }

  get partial(): ReadRequest | undefined {
    return this.#current === undefined ? undefined : this.#describe(this.#current);
  }

  get isBetween(): boolean {
    return this.#current === undefined && !this.#scanner.started;
  }

  push(bytes: Uint8Array): void {
    try {
      let at = 0;
      while (at < bytes.length && this.end.kind === 'open') {
        at =
          this.#current === undefined ? this.#readHead(bytes, at) : this.#readBody(this.#current, bytes, at);
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.end = { kind: 'refused', status: error.answer.status, code: error.code };
    }
  }

  #readHead(bytes: Uint8Array, from: number): number {
    const head = this.#scanner.push(bytes, from);
    const next = from + this.#scanner.consumed;
    if (head === undefined) return next;
    this.#scanner.reset();
    // Until it is known to keep the rules.
    this.refusedMethod = head.method;
    const meaning = readRequest(head, { viaName });
    this.refusedMethod = undefined;
    const { connectionNames } = meaning;
    const body = createBodyReader(meaning.framing, 'request', { connectionNames });
    this.#current = { head, meaning, body, pieces: [] };
    return this.#readBody(this.#current, bytes, next);
  }

  #readBody(current: Current, bytes: Uint8Array, from: number): number {
    const { body, pieces } = current;
    let at = from;
    while (at < bytes.length && !body.done) {
      at = body.read(bytes, at, Infinity);
      if (body.dataEnd > body.dataStart) pieces.push(bytes.slice(body.dataStart, body.dataEnd));
    }
    if (body.done) this.#finish(current);
    return at;
  }

  #finish(current: Current): void {
    const { meaning } = current;
    this.requests.push(this.#describe(current));
    this.#current = undefined;
    // An answer that does not wait for the body ends the connection (RULES 32).
    const isEarly = !this.#isRouted(meaning.host) && hasBody(meaning.framing);
    if (!meaning.keepAlive || isEarly) this.end = { kind: 'closed' };
  }

  #describe({ head, meaning, pieces }: Current): ReadRequest {
    const { method } = head;
    const isLastHop = meaning.maxForwards === 0;
    const answeredBy = isLastHop ? 200 : this.#isRouted(meaning.host) ? 'backend' : 404;
    const { target } = meaning;
    const isPlain = looksPlain(head, meaning);
    return { method, target, body: bodyText(Buffer.concat(pieces)), answeredBy, isPlain };
  }
}
