/**
 * Heads, beside a second reader that takes whole lines; then the rules, and what is written on: our own reader must find in it what
 * was meant, and nothing of this hop.
 * Choices: kind, trust and method; the size of the pieces; the limits.
 */
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { HeadScanner } from '../../../shared/http1/head.ts';
import type { RequestHead, ResponseHead } from '../../../shared/http1/head.ts';
import { requestHeadLimits, responseHeadLimits } from '../../../shared/http1/limits.ts';
import type { HeadLimits } from '../../../shared/http1/limits.ts';
import { Refusal } from '../../../shared/http1/refusal.ts';
import { honestRequest, honestResponse } from '../../http1/honest.ts';
import { wholeHead } from '../lines.ts';
import type { Random } from '../random.ts';
import { inPieces, mustBeSame, seedOf, wordsOf } from '../target.ts';
import type { Target } from '../target.ts';
import { checkWrittenRequest, checkWrittenResponse } from '../written-on.ts';

const CHOICES = 3;
const HONEST_SEEDS = 40;

interface Read {
  readonly head: RequestHead | ResponseHead | undefined;
  readonly refusal: string | undefined;
  readonly bytes: number;
}

function readHead(kind: 'request' | 'response', limits: HeadLimits, pieces: readonly Uint8Array[]): Read {
  const scanner = new HeadScanner(kind, limits);
  let bytes = 0;
  try {
    for (const piece of pieces) {
      if (piece.length === 0) continue;
      const head = scanner.push(piece);
      const { consumed } = scanner;
      if (consumed > piece.length || consumed < 1) throw new Error(`took ${consumed} of ${piece.length}`);
      if (head === undefined && consumed !== piece.length)
        throw new Error('wants more and has not taken all');
      bytes += consumed;
      if (head !== undefined) return { head, refusal: undefined, bytes };
    }
    return { head: undefined, refusal: undefined, bytes };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { head: undefined, refusal: error.code, bytes: 0 };
  }
}

function plain(head: RequestHead | ResponseHead): { start: string; fields: string[] } {
  const start =
    head.kind === 'request'
      ? `${head.method} ${head.target} ${head.version}`
      : `${head.version} ${head.status} ${head.reason}`;
  return { start, fields: [...head.fields].map(({ name, value }) => `${name}: ${value}`) };
}

function play(bytes: Uint8Array): void {
  const [choices = 0, pieceBytes = 0, limitsByte = 0] = bytes;
  const input = bytes.subarray(CHOICES);
  const kind = (choices & 1) === 0 ? 'request' : 'response';
  const defaults = kind === 'request' ? requestHeadLimits : responseHeadLimits;
  const limits: HeadLimits = {
    headBytes: (limitsByte & 1) === 0 ? defaults.headBytes : limitsByte,
    lineBytes: (limitsByte & 2) === 0 ? defaults.lineBytes : limitsByte >> 1,
    fields: (limitsByte & 4) === 0 ? defaults.fields : limitsByte >> 3,
  };
  const whole = readHead(kind, limits, [input]);
  const cut = readHead(kind, limits, inPieces(input, pieceBytes));
  mustBeSame([cut.refusal, cut.bytes], [whole.refusal, whole.bytes], 'cut');
  const { head } = whole;
  const theirs = wholeHead(Buffer.from(input).toString('latin1'), kind, limits);
  mustBeSame(head !== undefined, theirs !== undefined, 'whether it is a whole head');
  if (head === undefined || cut.head === undefined || theirs === undefined) return;
  const ours = plain(head);
  mustBeSame(plain(cut.head), ours, 'head when cut');
  mustBeSame([ours.start, ours.fields, whole.bytes], [theirs.start, theirs.fields, theirs.bytes], 'head');
  if (head.kind === 'request') checkWrittenRequest(head, choices);
  else checkWrittenResponse(head, choices);
}

interface Vector {
  readonly kind: 'request' | 'response';
  readonly base64: string;
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../../http1/vectors.json', import.meta.url), 'utf8'),
);

/** Everything that ends at a hop, at once. */
const crowded = [
  'GET http://h/a?b HTTP/1.1\r\nHost: h\r\nConnection: x-forwarded-for, x-forwarded-proto, x-forwarded-host, via, a\r\nX-Forwarded-For: 1, 2\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: z\r\nX-Forwarded-Port: 1\r\nForwarded: for=1\r\nVia: 1.1 other\r\nA: 1\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nMax-Forwards: 5\r\nTE: trailers\r\nConnection: keep-alive, te, max-forwards\r\nKeep-Alive: 5\r\nProxy-Connection: a\r\nProxy-Authorization: b\r\nX_Real_IP: c\r\n\r\n',
  'POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nUpgrade: websocket\r\nConnection: upgrade\r\nContent-Length: 003\r\nX-Inverting-Proxy-User: u\r\n\r\n',
].map((text) => [2, text] as const);
const crowdedResponses = [
  'HTTP/1.1 101 X\r\nConnection: upgrade, a\r\nUpgrade: websocket\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n',
  'HTTP/1.1 426 \r\nUpgrade: websocket\r\nConnection: close, upgrade, content-length\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\nProxy-Status: p\r\nTE: x\r\n\r\n',
].map((text) => [5, text] as const);

function seeds(random: Random): Uint8Array[] {
  const recorded = vectors.map(({ kind, base64 }) =>
    seedOf(
      [(random.next() & 0xfe) | (kind === 'request' ? 0 : 1), random.below(4), 0],
      Buffer.from(base64, 'base64'),
    ),
  );
  const sampling = { seed: random.next() | 0, numRuns: HONEST_SEEDS };
  const requests = fc.sample(honestRequest(), sampling);
  const responses = fc.sample(honestResponse(), sampling);
  return [
    ...recorded,
    ...[...crowded, ...crowdedResponses].map(([choices, text]) =>
      seedOf([choices, random.below(8), 0], text),
    ),
    ...requests.map(({ bytes }) =>
      seedOf([random.next() & 0xfe, random.below(256), random.below(256)], bytes),
    ),
    ...responses.map(({ bytes }) => seedOf([random.next() | 1, random.below(256), 0], bytes)),
  ];
}

export const head: Target = {
  name: 'head',
  words: wordsOf(
    '\r\n',
    '\r',
    '\n',
    '\r\n\r\n',
    '\r\n ',
    ' ',
    '\t',
    ':',
    ',',
    ', ',
    ';',
    '"',
    '_',
    '-',
    '\0',
    '\x7f',
    '\x85',
    '\x8a',
    '\xff',
    '*',
    '#',
    '?',
    '/',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/2.0',
    'http://h',
    'https://',
    'GET ',
    'OPTIONS * ',
    'OPTIONS ',
    '100 ',
    '101 ',
    '204 ',
    '304 ',
    '426 ',
    'Host: h\r\n',
    'Connection: ',
    'Connection: close\r\n',
    'Connection: upgrade\r\n',
    'Upgrade: websocket\r\n',
    'Upgrade: h2c\r\n',
    'close',
    'upgrade',
    'host',
    'te',
    'max-forwards',
    'x-forwarded-for',
    'via',
    'keep-alive',
    'Keep-Alive: 5\r\n',
    'TE: trailers\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Transfer_Encoding: chunked\r\n',
    'Content-Length: 3\r\n',
    'Content-Length: 3, 3\r\n',
    'Content_Length: 3\r\n',
    'Expect: 100-continue\r\n',
    'Via: 1.1 edge\r\n',
    'Via: 1.1 other\r\n',
    'Max-Forwards: 1\r\n',
    'X-Forwarded-For: a\r\n',
    'X_Forwarded_For: b\r\n',
    'X-Forwarded-Proto: z\r\n',
    'X-Real-IP: c\r\n',
    'Forwarded: for=d\r\n',
    'X-Inverting-Proxy-User: u\r\n',
    'Proxy-Status: p\r\n',
    'Proxy-Connection: q\r\n',
    '[::1]:80',
    '%41',
    '.',
  ),
  seeds,
  play,
};
