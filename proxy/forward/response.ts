/**
 * The answer on its way to the client: heads are read, judged and rewritten, the body is framed as the client
 * understands it. It knows no stream: bytes come in, and what is wrong with them is thrown as a refusal.
 */
import { createBodyReader } from '../../shared/http1/body.ts';
import type { BodyReader } from '../../shared/http1/body.ts';
import type { HeadScanner, ResponseHead } from '../../shared/http1/head.ts';
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
import { textBytes } from '../../shared/transport/outlet.ts';
import type { Exchange } from '../exchange.ts';
import type { AnswerScanners } from './answer-scanners.ts';
import type { ForwardLimits } from './limits.ts';

export interface ResponseListener {
  /** The final head has gone to the client. */
  onHead(head: ResponseHead, meaning: ResponseMeaning): void;
  /** A valid 101 has gone to the client; `rest` is raw already. */
  onSwitching(rest: Uint8Array): void;
  /** The answer is complete. `hasExcess`: bytes came behind its end (RULES 42). */
  onComplete(meaning: ResponseMeaning, hasExcess: boolean): void;
}

export interface RelayContext {
  readonly limits: ForwardLimits;
  readonly scanners: AnswerScanners;
}

const lineEnd = '\r\n';

export class ResponseRelay {
  readonly #exchange: Exchange;
  readonly #context: RelayContext;
  readonly #listener: ResponseListener;
  /** While heads are read. */
  #scanner: HeadScanner<'response'> | undefined;
  #meaning: ResponseMeaning | undefined;
  #body: BodyReader | undefined;
  #isChunkedToClient = false;
  #interimCount = 0;
  #hasBegun = false;

  constructor(exchange: Exchange, context: RelayContext, listener: ResponseListener) {
    this.#exchange = exchange;
    this.#context = context;
    this.#listener = listener;
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
      this.#scanner?.end();
      // Nothing came at all, or nothing after an interim answer.
      throw new Refusal('eof_in_head', 'response');
    }
    this.#body.end();
    this.#complete(false);
  }

  /** Reads heads until the final one; gives where the body begins. */
  #readHeads(bytes: Uint8Array): number {
    const { request, meaning, client } = this.#exchange;
    const scanner = (this.#scanner ??= this.#context.scanners.take());
    let from = 0;
    while (from < bytes.length) {
      const head = scanner.push(bytes, from);
      from += scanner.consumed;
      if (head === undefined) return from;
      const { method, version } = request;
      const judged = readResponse(head, { method, version, upgrade: meaning.upgrade });
      if (judged.switching) {
        this.#headsAreRead(scanner);
        client.writeFinalHead(writeInterimHead(head, judged, this.#exchange.admission?.responseFields));
        this.#listener.onSwitching(bytes.subarray(from));
        return bytes.length;
      }
      if (!judged.interim) {
        this.#headsAreRead(scanner);
        this.#beginFinal(head, judged);
        return from;
      }
      this.#interimCount += 1;
      if (this.#interimCount > this.#context.limits.maxInterimAnswers)
        throw new Refusal('too_many_interim', 'response');
      if (version === '1.1') client.write(writeInterimHead(head, judged));
      scanner.reset();
    }
    return from;
  }

  #headsAreRead(scanner: HeadScanner<'response'>): void {
    this.#scanner = undefined;
    this.#context.scanners.giveBack(scanner);
  }

  #beginFinal(head: ResponseHead, judged: ResponseMeaning): void {
    const { request, meaning, client } = this.#exchange;
    const { method, version } = request;
    const audience = { method, version, keepAlive: client.mayPersist, wantsTrailers: meaning.wantsTrailers };
    this.#meaning = judged;
    this.#isChunkedToClient = responseFramingToClient(judged, audience) === 'chunked';
    const { connectionNames } = judged;
    const options = { limits: this.#context.limits.responseBody, connectionNames, decode: decodeLatin1 };
    this.#body = createBodyReader(judged.framing, 'response', options);
    const added = this.#exchange.admission?.responseFields;
    client.writeFinalHead(writeResponseHead(head, judged, audience, added));
    this.#listener.onHead(head, judged);
  }

  #readBody(body: BodyReader, bytes: Uint8Array, start: number): void {
    let from = start;
    while (from < bytes.length && !body.done) {
      from = body.read(bytes, from, Infinity);
      if (body.dataEnd > body.dataStart) this.#write(bytes, body.dataStart, body.dataEnd);
    }
    if (body.done) this.#complete(from < bytes.length);
  }

  #write(bytes: Uint8Array, start: number, end: number): void {
    const { client, record } = this.#exchange;
    record.responseBytes += end - start;
    // So little leaves as text in any case, and a view would be made for nothing.
    const piece = end - start <= textBytes ? decodeLatin1(bytes, start, end) : bytes.subarray(start, end);
    if (!this.#isChunkedToClient) {
      client.write(piece);
      return;
    }
    client.write(chunkHead(end - start));
    client.write(piece);
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
