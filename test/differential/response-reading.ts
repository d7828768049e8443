/**
 * What the rules make of a backend's answer, played through shared/http1 alone: the one answer that every client must get,
 * or that none can be had, or that it is cut.
 */
import { createBodyReader, type BodyReader } from '../../shared/http1/body.ts';
import { HeadScanner } from '../../shared/http1/head.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import { readResponse } from '../../shared/http1/rules.ts';

export interface AnswerReading {
  /** whole: a client must get it · refused: a client must get our own 5xx · cut: a client must see that it is broken. */
  readonly kind: 'whole' | 'refused' | 'cut';
  readonly status: number;
  /** Latin1. */
  readonly body: string;
  /** Whether the answer ends before the connection does. */
  readonly endsByItself: boolean;
  /** Bytes stand behind the answer's end. */
  readonly hasExcess: boolean;
  /** An interim answer other than 100 goes before it. */
  readonly hasOddInterim: boolean;
}

/** RULES 36. */
const maxInterim = 10;

/** `bytes` come in one piece or many: the reading is the same. The connection ends behind them, cleanly or not. */
export function readAnswer(bytes: Uint8Array, method: string, end: 'fin' | 'reset'): AnswerReading {
  const scanner = new HeadScanner('response');
  const pieces: Uint8Array[] = [];
  let status = 0;
  let hasOddInterim = false;
  let hasExcess = false;
  let body: BodyReader | undefined;
  const tell = (kind: AnswerReading['kind'], endsByItself: boolean): AnswerReading => ({
    kind,
    status,
    body: Buffer.concat(pieces).toString('latin1'),
    endsByItself,
    hasExcess,
    hasOddInterim,
  });
  try {
    let at = 0;
    for (let interim = 0; body === undefined; interim += 1) {
      const head = scanner.push(bytes, at);
      at += scanner.consumed;
      if (head === undefined || interim > maxInterim) return tell('refused', false);
      const meaning = readResponse(head, { method, version: '1.1' });
      if (meaning.interim) {
        hasOddInterim ||= head.status !== 100;
        scanner.reset();
        continue;
      }
      ({ status } = head);
      const { connectionNames, framing } = meaning;
      body = createBodyReader(framing, 'response', { connectionNames });
    }
    while (at < bytes.length && !body.done) {
      at = body.read(bytes, at, Infinity);
      if (body.dataEnd > body.dataStart) pieces.push(bytes.slice(body.dataStart, body.dataEnd));
    }
    hasExcess = at < bytes.length;
    if (body.done) return tell('whole', true);
    if (end === 'reset') return tell('cut', false);
    body.end();
    return tell('whole', false);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return tell(body === undefined ? 'refused' : 'cut', false);
  }
}
