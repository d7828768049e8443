/**
 * The answer on its way to the client: heads are read, judged and rewritten, the body is framed as the client
 * understands it. It knows no stream: bytes come in, and what is wrong with them is thrown as a refusal.
 */
import { createBodyReader } from '../../shared/http1/body.ts';
import type { BodyReader } from '../../shared/http1/body.ts';
import { HeadScanner } from '../../shared/http1/head.ts';
import type { ResponseHead } from '../../shared/http1/head.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import { readResponse } from '../../shared/http1/rules.ts';
import type { ResponseMeaning } from '../../shared/http1/rules.ts';
import {
  chunkHead,
  responseFramingToClient,
  writeInterimHead,
  writeResponseHead,
  writeTrailers,
} from '../../shared/http1/write.ts';
import { decodeLatin1 } from '../../shared/transport/latin1.ts';
import type { Exchange } from '../exchange.ts';
import type { ForwardLimits } from './limits.ts';

export interface ResponseListener {
  /** The final head has gone to the client. */
  onHead(head: ResponseHead, meaning: ResponseMeaning): void;
  /** A valid 101 has gone to the client; `rest` is raw already. */
  onSwitching(rest: Uint8Array): void;
  /** The answer is complete. `hasExcess`: bytes came behind its end (RULES 42). */
  onComplete(meaning: ResponseMeaning, hasExcess: boolean): void;
}

const lineEnd = '\r\n';

export class ResponseRelay {
  readonly #exchange: Exchange;
  readonly #limits: ForwardLimits;
  readonly #listener: ResponseListener;
  readonly #scanner: HeadScanner<'response'>;
  #meaning: ResponseMeaning | undefined;
  #body: BodyReader | undefined;
  #isChunkedToClient = false;
  #interimCount = 0;
  #hasBegun = false;

  constructor(exchange: Exchange, limits: ForwardLimits, listener: ResponseListener) {
    this.#exchange = exchange;
    this.#limits = limits;
    this.#listener = listener;
    this.#scanner = new HeadScanner('response', limits.responseHead, decodeLatin1);
  }

  /** A byte of an answer has come, if only of an interim one. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** @throws Refusal */
  receive(bytes: Uint8Array): void {
    this.#hasBegun = true;
    let from = 0;
    if (this.#body === undefined) {
      from = this.#readHeads(bytes);
      if (this.#body === undefined) return;
    }
    this.#readBody(this.#body, bytes, from);
  }

  /** The backend has ended its side. @throws Refusal where the answer was not complete */
  end(): void {
    if (this.#body === undefined) {
      this.#scanner.end();
      // Nothing came at all, or nothing after an interim answer.
      throw new Refusal('eof_in_head', 'response');
    }
    this.#body.end();
    this.#complete(false);
  }

  /** Reads heads until the final one; gives where the body begins. */
  #readHeads(bytes: Uint8Array): number {
    const { request, meaning, client } = this.#exchange;
    let from = 0;
    while (from < bytes.length) {
      const head = this.#scanner.push(bytes, from);
      from += this.#scanner.consumed;
      if (head === undefined) return from;
      const { method, version } = request;
      const judged = readResponse(head, { method, version, upgrade: meaning.upgrade });
      if (judged.switching) {
        client.writeFinalHead(writeInterimHead(head, judged, this.#exchange.admission?.responseFields));
        this.#listener.onSwitching(bytes.subarray(from));
        return bytes.length;
      }
      if (!judged.interim) {
        this.#beginFinal(head, judged);
        return from;
      }
      this.#interimCount += 1;
      if (this.#interimCount > this.#limits.maxInterimAnswers)
        throw new Refusal('too_many_interim', 'response');
      if (version === '1.1') client.write(writeInterimHead(head, judged));
      this.#scanner.reset();
    }
    return from;
  }

  #beginFinal(head: ResponseHead, judged: ResponseMeaning): void {
    const { request, meaning, client } = this.#exchange;
    const { method, version } = request;
    const audience = { method, version, keepAlive: client.mayPersist, wantsTrailers: meaning.wantsTrailers };
    this.#meaning = judged;
    this.#isChunkedToClient = responseFramingToClient(judged, audience) === 'chunked';
    const { connectionNames } = judged;
    const options = { limits: this.#limits.responseBody, connectionNames, decode: decodeLatin1 };
    this.#body = createBodyReader(judged.framing, 'response', options);
    const added = this.#exchange.admission?.responseFields;
    client.writeFinalHead(writeResponseHead(head, judged, audience, added));
    this.#listener.onHead(head, judged);
  }

  #readBody(body: BodyReader, bytes: Uint8Array, start: number): void {
    let from = start;
    while (from < bytes.length && !body.done) {
      from = body.read(bytes, from, Infinity);
      if (body.dataEnd > body.dataStart) this.#write(bytes.subarray(body.dataStart, body.dataEnd));
    }
    if (body.done) this.#complete(from < bytes.length);
  }

  #write(bytes: Uint8Array): void {
    const { client, record } = this.#exchange;
    record.responseBytes += bytes.length;
    if (!this.#isChunkedToClient) {
      client.write(bytes);
      return;
    }
    client.write(chunkHead(bytes.length));
    client.write(bytes);
    client.write(lineEnd);
  }

  #complete(hasExcess: boolean): void {
    const body = this.#body;
    const meaning = this.#meaning;
    if (body === undefined || meaning === undefined) throw new Error('an answer ended before it began');
    if (this.#isChunkedToClient) {
      const { wantsTrailers } = this.#exchange.meaning;
      this.#exchange.client.write(writeTrailers(wantsTrailers ? body.trailers : []));
    }
    this.#listener.onComplete(meaning, hasExcess);
  }
}
