/**
 * Makes honest messages: whatever the rules let pass, in all its spellings, with what it says beside its bytes. Names begin with Q,
 * and so mean nothing to any hop.
 */
import * as fc from 'fast-check';
import type { Message } from './messages.ts';

export interface Honest {
  /** In latin1. */
  readonly bytes: string;
  readonly message: Message;
  /** What a hop sends on of the fields. */
  readonly goesOn: readonly string[];
  readonly framing: 'none' | 'sized' | 'chunked';
  /** Nothing is read behind it. */
  readonly isLast: boolean;
}

const TCHARS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, at) => String.fromCharCode(from + at));
const OBS_TEXT = range(0x80, 0xff);
const VISIBLE = range(0x21, 0x7e);

const tchar = fc.constantFrom(...TCHARS.split(''));
const token = fc.string({ unit: tchar, minLength: 1, maxLength: 12 });
const fieldName = fc.string({ unit: tchar, maxLength: 10 }).map((rest) => `Q${rest}`);
const blanks = fc.constantFrom('', ' ', '\t', '  ', ' \t ');
const inner = fc.constantFrom(' ', '\t', ...VISIBLE, ...VISIBLE, ...OBS_TEXT);
const edge = fc.constantFrom(...VISIBLE, ...OBS_TEXT);
const fieldValue = fc.oneof(
  fc.constant(''),
  edge,
  fc.tuple(edge, fc.string({ unit: inner, maxLength: 30 }), edge).map((parts) => parts.join('')),
);
const anyByte = fc.constantFrom(...range(0, 255));

interface Line {
  readonly name: string;
  readonly value: string;
  /** Its bytes, with CRLF. */
  readonly bytes: string;
}

const line = (name: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<Line> =>
  fc.record({ name, value, before: blanks, behind: blanks }).map((parts) => ({
    name: parts.name,
    value: parts.value,
    bytes: `${parts.name}:${parts.before}${parts.value}${parts.behind}\r\n`,
  }));

const anyCase = (name: string): fc.Arbitrary<string> =>
  fc.constantFrom(name, name.toLowerCase(), name.toUpperCase());

const ordinary = fc.array(line(fieldName, fieldValue), { maxLength: 6 });

const escaped = inner.map((char) => `\\${char}`);
const unescaped = inner.filter((char) => char !== '"' && char !== '\\');
const quoted = fc
  .array(fc.oneof(unescaped, escaped), { maxLength: 12 })
  .map((parts) => `"${parts.join('')}"`);
const extension = fc
  .tuple(token, fc.option(fc.oneof(token, quoted), { nil: undefined }))
  .map(([name, value]) => `;${name}${value === undefined ? '' : `=${value}`}`);

const sizeOf = (length: number): fc.Arbitrary<string> =>
  fc.tuple(fc.boolean(), fc.nat({ max: 4 })).map(([upper, zeros]) => {
    const digits = length.toString(16);
    return '0'.repeat(zeros) + (upper ? digits.toUpperCase() : digits);
  });

const chunkLine = (length: number): fc.Arbitrary<string> =>
  fc
    .tuple(sizeOf(length), fc.array(extension, { maxLength: 2 }))
    .map(([size, extensions]) => `${size}${extensions.join('')}\r\n`);

interface Body {
  readonly framing: 'none' | 'sized' | 'chunked';
  readonly lines: readonly Line[];
  readonly text: string;
  readonly trailers: readonly Line[];
  readonly bytes: string;
}

const data = fc.string({ unit: anyByte, minLength: 1, maxLength: 40 });

const noBody: fc.Arbitrary<Body> = fc.constant({
  framing: 'none',
  lines: [],
  text: '',
  trailers: [],
  bytes: '',
});

const sizedBody: fc.Arbitrary<Body> = fc
  .tuple(fc.string({ unit: anyByte, maxLength: 60 }), fc.nat({ max: 3 }))
  .chain(([text, zeros]) =>
    line(anyCase('Content-Length'), fc.constant(`${'0'.repeat(zeros)}${text.length}`)).map((length) => ({
      framing: 'sized' as const,
      lines: [length],
      text,
      trailers: [],
      bytes: text,
    })),
  );

const chunkedBody: fc.Arbitrary<Body> = fc
  .tuple(
    fc.array(
      data.chain((text) => chunkLine(text.length).map((head) => ({ text, bytes: `${head}${text}\r\n` }))),
      { maxLength: 4 },
    ),
    chunkLine(0),
    ordinary,
    line(anyCase('Transfer-Encoding'), anyCase('chunked')),
  )
  .map(([chunks, last, trailers, coding]) => ({
    framing: 'chunked',
    lines: [coding],
    text: chunks.map(({ text }) => text).join(''),
    trailers,
    bytes: `${chunks.map(({ bytes }) => bytes).join('')}${last}${trailers.map(({ bytes }) => bytes).join('')}\r\n`,
  }));

const connection = (fields: readonly Line[]): fc.Arbitrary<Line | undefined> =>
  fc.option(
    line(
      anyCase('Connection'),
      fc
        .array(fc.oneof(fc.constantFrom('keep-alive', 'close', 'Close', ''), namesOf(fields)), {
          maxLength: 3,
        })
        .map((names) => names.join(' ,').trim()),
    ),
    { nil: undefined },
  );

function namesOf(fields: readonly Line[]): fc.Arbitrary<string> {
  const names = fields.map(({ name }) => name.toLowerCase());
  return names.length === 0 ? fc.constant('') : fc.constantFrom(...names);
}

const text = ({ name, value }: Line): string => `${name}: ${value}`;

/** Puts lines in some order, a Connection among them, and says what all of it means. */
function assemble(
  start: string,
  startLine: string,
  first: readonly Line[],
  body: Body,
  reusable: boolean,
): fc.Arbitrary<Honest> {
  return ordinary.chain((fields) =>
    fc
      .tuple(connection([...fields, ...body.trailers]), fc.constantFrom('', '\r\n', '\r\n\r\n'))
      .chain(([listing, before]) =>
        fc
          .shuffledSubarray([...first, ...fields, ...body.lines, ...(listing ? [listing] : [])], {
            minLength: first.length + fields.length + body.lines.length + (listing ? 1 : 0),
          })
          .map((lines) => {
            const listed = new Set(listing?.value.toLowerCase().split(/[ ,\t]+/));
            const passes = ({ name }: Line): boolean => !listed.has(name.toLowerCase());
            return {
              bytes: `${before}${startLine}\r\n${lines.map(({ bytes }) => bytes).join('')}\r\n${body.bytes}`,
              message: {
                start,
                fields: lines.map(text),
                body: body.text,
                trailers: body.trailers.filter(passes).map(text),
              },
              goesOn: lines.filter((sent) => fields.includes(sent) && passes(sent)).map(text),
              framing: body.framing,
              isLast: !reusable || listed.has('close'),
            };
          }),
      ),
  );
}

const host = fc.constantFrom(
  'h',
  'a.example.com:8080',
  'H.',
  '[2001:db8::1]:80',
  '192.0.2.1',
  'my_host',
  'a%2Db',
);
const path = fc
  .string({ unit: fc.constantFrom(...VISIBLE.filter((char) => char !== '#')), maxLength: 20 })
  .map((rest) => `/${rest}`);
export const anyMethod = token.filter((method) => method !== 'CONNECT' && method !== 'TRACE');
export const upperMethod = fc.constantFrom(
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'M-SEARCH',
  'X-Y',
);

/** One request; `method` where not every token will do. */
export function honestRequest(method: fc.Arbitrary<string> = anyMethod): fc.Arbitrary<Honest> {
  return fc
    .tuple(
      method,
      host,
      path,
      fc.constantFrom('origin', 'origin', 'absolute'),
      fc.constantFrom('1.1', '1.1', '1.0'),
    )
    .chain(([verb, authority, origin, form, version]) => {
      const target = form === 'origin' ? origin : `http://${authority}${origin}`;
      const start = `${verb} ${target} HTTP/${version}`;
      const bodies =
        version === '1.1' ? fc.oneof(noBody, sizedBody, chunkedBody) : fc.oneof(noBody, sizedBody);
      return fc
        .tuple(line(anyCase('Host'), fc.constant(authority)), bodies)
        .chain(([hostLine, body]) => assemble(start, start, [hostLine], body, version === '1.1'));
    });
}

/** One final response with a body that has an end of its own, to a GET. */
export function honestResponse(): fc.Arbitrary<Honest> {
  const status = fc.integer({ min: 200, max: 599 }).filter((code) => code !== 204 && code !== 304);
  return fc
    .tuple(status, fc.option(fieldValue, { nil: undefined }), fc.constantFrom('1.1', '1.1', '1.0'))
    .chain(([code, reason, version]) => {
      const start = `HTTP/${version} ${code} ${reason ?? ''}`;
      const bodies = version === '1.1' ? fc.oneof(sizedBody, chunkedBody) : sizedBody;
      return bodies.chain((body) =>
        assemble(start, reason === undefined ? start.trimEnd() : start, [], body, false),
      );
    });
}

/** The bytes in pieces: one, each byte, or cut by these lengths over and over. */
export function cutBy(bytes: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? bytes.length;
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

export const cuts: fc.Arbitrary<readonly number[]> = fc.oneof(
  fc.constant([1]),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
);
