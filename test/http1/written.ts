/**
 * Plays a whole message through the room and gives what would be sent on: the head as it is written, the decoded body, and what is
 * written behind the body. How a chunked body is cut on the way is the writer's choice and left out.
 */
import type { Test } from 'tap';
import { createBodyReader } from '../../shared/http1/body.ts';
import type { BodyReader } from '../../shared/http1/body.ts';
import { HeadScanner } from '../../shared/http1/head.ts';
import type { RequestHead, ResponseHead } from '../../shared/http1/head.ts';
import type { MessageKind } from '../../shared/http1/refusal.ts';
import { readRequest, readResponse } from '../../shared/http1/rules.ts';
import type { RequestOfResponse } from '../../shared/http1/rules.ts';
import {
  writeInterimHead,
  writeRequestHead,
  writeResponseHead,
  writeTrailers,
} from '../../shared/http1/write.ts';
import type { Disclosure, ExtraFields, Forwarding, ResponseClient } from '../../shared/http1/write.ts';
import { byteByByte, cutAt, latin1 } from './pieces.ts';
import { NEXT_REQUEST } from './rows.ts';

export interface Written {
  readonly head: string;
  readonly body: string;
  /** Last chunk, trailers and empty line of a chunked body; '' where the body is not chunked, '(not over)' where it still goes on. */
  readonly end: string;
}

export interface RequestTo {
  readonly forwarding?: Partial<Forwarding>;
  readonly disclosure?: Partial<Disclosure>;
}

export interface ResponseTo {
  readonly request?: Partial<RequestOfResponse>;
  readonly client?: Partial<ResponseClient>;
  readonly extra?: ExtraFields;
}

const AS_SENT: Disclosure = { withheldCookies: [], withholdsAuthorization: false, fields: [] };

export const FORWARDING: Forwarding = {
  for: '192.0.2.1',
  proto: 'https',
  host: 'h',
  via: 'edge',
  trustChain: false,
};

interface Judged {
  readonly head: string;
  readonly body: BodyReader;
  readonly isChunked: boolean;
}

/** What goes to the backend for these bytes. Throws a Refusal. */
export function writtenRequest(pieces: readonly Uint8Array[], to: RequestTo = {}): Written {
  const forwarding = { ...FORWARDING, ...to.forwarding };
  return play('request', pieces, (head: RequestHead) => {
    const meaning = readRequest(head, { viaName: forwarding.via });
    const { connectionNames, framing } = meaning;
    return {
      head: writeRequestHead(head, meaning, forwarding, { ...AS_SENT, ...to.disclosure }),
      body: createBodyReader(framing, 'request', { connectionNames }),
      isChunked: framing.kind === 'chunked',
    };
  });
}

/** What goes to the client for these bytes. Throws a Refusal. */
export function writtenResponse(pieces: readonly Uint8Array[], to: ResponseTo = {}): Written {
  const request: RequestOfResponse = { method: 'GET', version: '1.1', ...to.request };
  const client: ResponseClient = { version: '1.1', method: request.method, keepAlive: true, ...to.client };
  return play('response', pieces, (head: ResponseHead) => {
    const meaning = readResponse(head, request);
    const { connectionNames, framing } = meaning;
    return {
      head:
        head.status < 200
          ? writeInterimHead(head, meaning)
          : writeResponseHead(head, meaning, client, to.extra),
      body: createBodyReader(framing, 'response', { connectionNames }),
      isChunked: framing.kind === 'chunked',
    };
  });
}

function play<K extends MessageKind>(
  kind: K,
  pieces: readonly Uint8Array[],
  judge: (head: NonNullable<ReturnType<HeadScanner<K>['push']>>) => Judged,
): Written {
  const scanner = new HeadScanner(kind);
  let judged: Judged | undefined;
  let body = '';
  for (const piece of pieces) {
    let at = 0;
    if (judged === undefined) {
      const head = scanner.push(piece);
      at = scanner.consumed;
      if (head === undefined) continue;
      judged = judge(head);
    }
    while (at < piece.length && !judged.body.done) {
      at = judged.body.read(piece, at, Infinity);
      body += Buffer.from(piece.subarray(judged.body.dataStart, judged.body.dataEnd)).toString('latin1');
    }
  }
  if (judged === undefined) throw new Error('no head in these bytes');
  const { done, trailers } = judged.body;
  return {
    head: judged.head,
    body,
    end: !done ? '(not over)' : judged.isChunked ? writeTrailers(trailers) : '',
  };
}

/** The message in latin1 must be written like this: whole, byte by byte, cut anywhere, and with a request behind it. */
export function runWritten(
  t: Test,
  name: string,
  message: string,
  expected: Written,
  write: (pieces: readonly Uint8Array[]) => Written,
): void {
  const bytes = latin1(message);
  t.strictSame(write([bytes]), expected, `${name}: whole`);
  t.strictSame(write(byteByByte(bytes)), expected, `${name}: byte by byte`);
  const differing = [];
  for (let offset = 1; offset < bytes.length; offset++) {
    const { head, body, end } = write(cutAt(bytes, offset));
    if (head !== expected.head || body !== expected.body || end !== expected.end) differing.push(offset);
  }
  t.strictSame(differing, [], `${name}: cut anywhere`);
  if (expected.end === '(not over)') return;
  const both = latin1(message + NEXT_REQUEST);
  t.strictSame(write([both]), expected, `${name}: with a request behind it`);
  t.strictSame(write(byteByByte(both)), expected, `${name}: byte by byte with a request behind it`);
}
