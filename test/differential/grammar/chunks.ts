/** Chunked bodies: sizes, extensions, the ends of chunks and trailers, each now and then as it should not be. */
import * as fc from 'fast-check';
import { always, lineEnd, mostly, oneOf, sequence, type Text } from './parts.ts';
import { payload } from './payload.ts';

const sizes = (length: number): Text =>
  mostly(
    oneOf(
      length.toString(16),
      length.toString(16).toUpperCase(),
      `0${length.toString(16)}`,
      `000000${length.toString(16)}`,
    ),
    oneOf(
      (length + 1).toString(16),
      Math.max(0, length - 1).toString(16),
      (length + 16).toString(16),
      `0x${length.toString(16)}`,
      `+${length.toString(16)}`,
      `-${length.toString(16)}`,
      ` ${length.toString(16)}`,
      `${length.toString(16)} `,
      `${length.toString(16)}\t`,
      `${length.toString(16)}h`,
      `${length.toString(16)}_0`,
      '',
      'g',
      `\0${length.toString(16)}`,
      `${length.toString(16)}\0`,
      `\v${length.toString(16)}`,
      `\n${length.toString(16)}`,
      `\r\n${length.toString(16)}`,
      `${length.toString(16)}\r`,
      `0000000000000000000000${length.toString(16)}`,
      `10000000000000000${length.toString(16)}`,
      `1000000000000000${length.toString(16)}`,
      `ffffffffffffffff`,
      `8000000000000000`,
      `100000000${length.toString(16)}`,
      `-6`,
      `${length.toString(16)},`,
      `"${length.toString(16)}"`,
      `${length.toString(16)}\xa0`,
      `\xb2`,
      `${length.toString(16)}.`,
      `${length.toString(16)}\x85`,
      `0${length.toString(16)}h`,
      String(length),
    ),
    20,
  );

const extension = fc.oneof(
  { arbitrary: always(''), weight: 32 },
  {
    arbitrary: oneOf(
      ';a',
      ';a=b',
      ';a="b"',
      ';a="q\\"uo;te"',
      ';a=b;c=d',
      ';a="\xff\t"',
      ';!#$=1',
      ';a=""',
      `;a=${'x'.repeat(250)}`,
    ),
    weight: 6,
  },
  {
    arbitrary: oneOf(
      ';',
      '; a',
      ' ;a',
      ';a ',
      ';a =b',
      ';a= b',
      ';a=',
      ';=b',
      ';a="b',
      ';a=b"',
      ';a="\\',
      ';a="\r\n"',
      ';a=\n',
      ';\n',
      ';a\0',
      ';a="\0"',
      ';a;',
      ';;a',
      '\t;a',
      `;a=${'x'.repeat(300)}`,
      ';a="\n',
      ';a\r',
      ';a=b,c',
      ';\xe4=1',
      ';a=\xe4',
      ';a="\x7f"',
      ';a="x\\\r\n0\r\n\r\n',
      ';a="b"c',
      ' ',
      ' a',
      ';\r',
    ),
    weight: 1,
  },
);

const chunkEnd = mostly(
  always('\r\n'),
  oneOf(
    '\n',
    '\r',
    '',
    '\r\n\r\n',
    'x\r\n',
    ' \r\n',
    '\r\r\n',
    '\n\r\n',
    '\0',
    '\r\nx',
    'XX',
    '\x8d\x8a',
    '\r\n\n',
  ),
  80,
);

const chunk = payload.chain((data) => {
  if (data === '') return always('');
  return sequence(sizes(data.length), extension, lineEnd, always(data), chunkEnd);
});

const lastChunk = mostly(
  oneOf('0', '0', '0', '00', '0000'),
  oneOf(
    '',
    '-0',
    '+0',
    '0x0',
    '0 ',
    ' 0',
    '0\t',
    '0g',
    '00000000000000000',
    '0\0',
    '0.0',
    '\xb2',
    '0;',
    '0\r',
  ),
  50,
);

const trailers = fc.oneof(
  { arbitrary: always(''), weight: 20 },
  {
    arbitrary: oneOf(
      'X-T: v\r\n',
      'X-T: v\r\nX-U:\r\n',
      'X-Sum: \xff\xfe\r\n',
      'Connection: close\r\n',
      'Cookie: a\r\n',
      'Authorization: x\r\n',
      'Expect: x\r\n',
    ),
    weight: 3,
  },
  {
    arbitrary: oneOf(
      'Content-Length: 5\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Host: x\r\n',
      'Content_Length: 5\r\n',
      'X-T v\r\n',
      ' X-T: v\r\n',
      'X-T: v\n',
      'X-T: v\r',
      'X-T : v\r\n',
      ': v\r\n',
      'X-T: v\0\r\n',
      'X-T: a\r\n b\r\n',
      'X-T: a\x8aContent-Length: 9\r\n',
      `X-T: ${'x'.repeat(9_000)}\r\n`,
      'X: 1\r\n'.repeat(40),
      '\0',
      'GET / HTTP/1.1\r\n',
      'X-T\r\n',
      '\r',
      '\n',
    ),
    weight: 2,
  },
);

export const chunkedBody = sequence(
  fc.array(chunk, { maxLength: 3 }).map((chunks) => chunks.join('')),
  fc.oneof(
    { arbitrary: sequence(lastChunk, extension, lineEnd, trailers, lineEnd), weight: 30 },
    { arbitrary: always(''), weight: 1 },
  ),
);
