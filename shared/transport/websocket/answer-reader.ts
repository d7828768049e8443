/**
 * Reads what comes back for an upgrade request: the head of the 101, or a refusal with the beginning of its body. Bytes in,
 * a value out; it knows no socket and no time.
 */
import { createBodyReader } from '../../http1/body.ts';
import type { BodyReader } from '../../http1/body.ts';
import { HeadScanner } from '../../http1/head.ts';
import type { ResponseHead } from '../../http1/head.ts';
import { readResponseFraming } from '../../http1/framing.ts';

export interface UpgradeAnswer {
  readonly head: ResponseHead;
  /** Of a refusal, as far as it was read. */
  readonly body: string;
  /** Behind a 101: the first bytes of the WebSocket. */
  readonly rest: Uint8Array;
}

/** A reason is a sentence; what is longer is not read on. */
const maxBodyBytes = 4 * 1024;
/** As many as a backend may send before its answer. */
const maxInterim = 10;
/** Who answers an upgrade has no need of more. */
const headLimits = { headBytes: 16 * 1024, lineBytes: 8 * 1024, fields: 100 };

export class AnswerReader {
  readonly #scanner = new HeadScanner('response', headLimits);
  #interim = 0;
  #head: ResponseHead | undefined;
  #bodyReader: BodyReader | undefined;
  readonly #body: Uint8Array[] = [];
  #bodyBytes = 0;

  /** Undefined while more is needed. @throws Refusal where it is no HTTP */
  push(bytes: Uint8Array): UpgradeAnswer | undefined {
    let at = 0;
    while (this.#head === undefined) {
      const head = this.#scanner.push(bytes, at);
      at += this.#scanner.consumed;
      if (head === undefined) return undefined;
      if (head.status === 101) return { head, body: '', rest: bytes.subarray(at) };
      this.#scanner.reset();
      if (head.status < 200 && ++this.#interim <= maxInterim) continue;
      this.#head = head;
      this.#bodyReader = createBodyReader(readResponseFraming(head.fields, head.version), 'response');
    }
    return this.#readBody(this.#head, bytes, at);
  }

  /** The connection has ended: what there is of a refusal. */
  end(): UpgradeAnswer | undefined {
    return this.#head === undefined ? undefined : this.#refusal(this.#head);
  }

  #readBody(head: ResponseHead, bytes: Uint8Array, from: number): UpgradeAnswer | undefined {
    const reader = this.#bodyReader;
    if (reader === undefined) return undefined;
    let at = from;
    while (!reader.done && at < bytes.length && this.#bodyBytes < maxBodyBytes) {
      at = reader.read(bytes, at, maxBodyBytes - this.#bodyBytes);
      const piece = bytes.subarray(reader.dataStart, reader.dataEnd);
      this.#bodyBytes += piece.length;
      if (piece.length > 0) this.#body.push(Buffer.from(piece));
    }
    return reader.done || this.#bodyBytes >= maxBodyBytes ? this.#refusal(head) : undefined;
  }

  #refusal(head: ResponseHead): UpgradeAnswer {
    return { head, body: Buffer.concat(this.#body).toString('utf8'), rest: Buffer.alloc(0) };
  }
}
