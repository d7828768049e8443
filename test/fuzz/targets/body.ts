/**
 * Bodies, beside a second reader that knows the whole text and nothing of pieces: the two find the same end, the same data and the
 * same trailers, or neither finds any.
 * Choices: framing and kind; the size of the pieces; how much is taken at once; the limits.
 */
import { createBodyReader } from '../../../shared/http1/body.ts';
import type { Framing } from '../../../shared/http1/framing.ts';
import type { BodyLimits } from '../../../shared/http1/limits.ts';
import { Refusal } from '../../../shared/http1/refusal.ts';
import type { MessageKind } from '../../../shared/http1/refusal.ts';
import { fieldOf, TOKEN } from '../lines.ts';
import { inPieces, mustBeSame, seedOf, wordsOf } from '../target.ts';
import type { Target } from '../target.ts';

const CHOICES = 4;

interface Read {
  /** `done`, `open`, or why it was refused. */
  readonly end: string;
  readonly data: string;
  readonly trailers: readonly string[];
  /** Where it ended; only said when it is done. */
  readonly bytes: number | undefined;
}

function readBody(
  framing: Framing,
  kind: MessageKind,
  limits: BodyLimits,
  pieces: readonly Uint8Array[],
  limit: number,
): Read {
  const reader = createBodyReader(framing, kind, { limits });
  let data = '';
  let taken = 0;
  let end = 'open';
  try {
    for (const piece of pieces) {
      let at = 0;
      while (at < piece.length && !reader.done) {
        const next = reader.read(piece, at, limit);
        const { dataStart, dataEnd } = reader;
        if (next > piece.length || (next <= at && !reader.done))
          throw new Error(`a read from ${at} went to ${next} of ${piece.length}`);
        if (dataStart < at || dataEnd > next || dataEnd < dataStart || dataEnd - dataStart > limit)
          throw new Error(`data from ${dataStart} to ${dataEnd}`);
        data += Buffer.from(piece.subarray(dataStart, dataEnd)).toString('latin1');
        taken += next - at;
        at = next;
      }
    }
    if (reader.done) end = 'done';
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    end = error.code;
  }
  mustBeSame(reader.size, data.length, 'size');
  const trailers = end === 'done' ? reader.trailers.map(({ name, value }) => `${name}: ${value}`) : [];
  return { end, data, trailers, bytes: end === 'done' ? taken : undefined };
}

const EXTENSION = String.raw`;${TOKEN}(?:=(?:${TOKEN}|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?`;
const LINE = new RegExp(String.raw`([0-9A-Fa-f]{1,16})((?:${EXTENSION})*)\r\n`, 'y');

/** A whole chunked body at the beginning of the text, read by expressions; undefined when there is none within the limits. */
function wholeChunked(text: string, limits: BodyLimits): Omit<Read, 'end'> | undefined {
  let [at, data, extensions] = [0, '', 0];
  for (;;) {
    LINE.lastIndex = at;
    const [line, digits = '', extension = ''] = LINE.exec(text) ?? [];
    if (line === undefined || digits.replace(/^0+/, '').length > 13) return undefined;
    extensions += extension.length;
    if (extension.length > limits.chunkExtensionLineBytes || extensions > limits.chunkExtensionBytes)
      return undefined;
    at += line.length;
    const size = parseInt(digits, 16);
    if (size === 0) break;
    data += text.slice(at, at + size);
    at += size;
    if (data.length > limits.bodyBytes || text.slice(at, at + 2) !== '\r\n') return undefined;
    at += 2;
  }
  const start = at;
  const trailers: string[] = [];
  for (let end = text.indexOf('\r\n', at); end !== at; end = text.indexOf('\r\n', at)) {
    const field = end === -1 ? undefined : fieldOf(text.slice(at, end));
    if (field === undefined) return undefined;
    trailers.push(field);
    at = end + 2;
  }
  at += 2;
  if (at - start > limits.trailerBytes || trailers.length > limits.trailerFields) return undefined;
  const names = trailers.map((trailer) =>
    trailer.slice(0, trailer.indexOf(':')).toLowerCase().replaceAll('_', '-'),
  );
  if (names.some((name) => ['host', 'content-length', 'transfer-encoding'].includes(name))) return undefined;
  return { data, trailers, bytes: at };
}

/** The first byte: two bits of framing, one of kind. A length of its own for `sized` is in the fourth. */
function play(bytes: Uint8Array): void {
  const [first = 0, pieceBytes = 0, takeBytes = 0, limitsByte = 0] = bytes;
  const input = bytes.subarray(CHOICES);
  const kind = (first & 4) === 0 ? 'request' : 'response';
  const limits: BodyLimits = {
    bodyBytes: (limitsByte & 1) === 0 ? Infinity : limitsByte,
    chunkExtensionLineBytes: (limitsByte & 2) === 0 ? 256 : limitsByte >> 2,
    chunkExtensionBytes: (limitsByte & 4) === 0 ? 16_384 : limitsByte,
    trailerBytes: (limitsByte & 8) === 0 ? 8_192 : limitsByte,
    trailerFields: (limitsByte & 16) === 0 ? 32 : limitsByte >> 5,
  };
  const framings: readonly Framing[] = [
    { kind: 'chunked' },
    { kind: 'chunked' },
    { kind: 'sized', length: limitsByte },
    { kind: 'close' },
  ];
  const framing = framings[first & 3] ?? { kind: 'chunked' };
  const whole = readBody(framing, kind, limits, [input], Infinity);
  const cut = readBody(framing, kind, limits, inPieces(input, pieceBytes), takeBytes + 1);
  mustBeSame([cut.end, cut.trailers, cut.bytes], [whole.end, whole.trailers, whole.bytes], 'cut');
  if (whole.end === 'done' || whole.end === 'open') mustBeSame(cut.data, whole.data, 'data when cut');
  if (framing.kind === 'chunked') compare(whole, wholeChunked(Buffer.from(input).toString('latin1'), limits));
  else if (framing.kind === 'sized')
    mustBeSame(whole.data.length, Math.min(framing.length, input.length), 'sized data');
  else mustBeSame([whole.data.length, whole.end], [input.length, 'open'], 'close-delimited data');
}

function compare(ours: Read, theirs: Omit<Read, 'end'> | undefined): void {
  mustBeSame(ours.end === 'done', theirs !== undefined, 'whether it is a whole chunked body');
  if (theirs === undefined) return;
  mustBeSame([ours.data, ours.bytes], [theirs.data, theirs.bytes], 'data and end');
  // Ours leaves out what must not go on, and never adds or changes.
  mustBeSame(
    ours.trailers,
    theirs.trailers.filter((trailer) => ours.trailers.includes(trailer)),
    'trailers',
  );
}

const bodies = [
  '0\r\n\r\n',
  '3\r\nabc\r\n0\r\n\r\nbehind',
  '1;a;b=c;d="e\\"f"\r\na\r\nA\r\n0123456789\r\n0\r\nA: b\r\nSet-Cookie: c\r\n\r\n',
  '00000000000003\r\nabc\r\n0;z\r\nX_Forwarded_For: 1\r\nDigest:\t x \r\n\r\n',
  'fffffffffffff\r\nabc',
  '2\r\n\r\n\r\n0\r\nHost: h\r\n\r\n',
];

export const body: Target = {
  name: 'body',
  words: wordsOf(
    '0',
    '1',
    '3',
    'f',
    'fffffffffffff',
    '0000000000000003',
    '\r\n',
    '\r',
    '\n',
    '0\r\n\r\n',
    '\r\n0\r\n\r\n',
    ';',
    ';a',
    ';a=b',
    ';a="',
    '"',
    '\\',
    '\\"',
    '=',
    ' ',
    '\t',
    ':',
    'A: b\r\n',
    'Host: h\r\n',
    'Content_Length: 1\r\n',
    'TE: x\r\n',
    '\0',
    '\x7f',
    '\x80',
    '-',
    '+',
    '0x',
    '_',
  ),
  seeds: (random) =>
    bodies.flatMap((text) => [
      seedOf([random.below(256) & ~3, random.below(4), random.below(4), 0], text),
      seedOf([random.below(256), random.below(256), random.below(256), random.below(256)], text),
    ]),
  play,
};
