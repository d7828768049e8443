/** Field lines that say nothing about a body: ordinary ones, those that mean something to a proxy, and broken ones. */
import * as fc from 'fast-check';
import { hopLine } from './hop.ts';
import { always, lineEnd, mostly, oddByte, oneOf, sequence, type Text, valueText } from './parts.ts';

const colon = mostly(
  oneOf(': ', ':', ':\t', ': \t '),
  oneOf(
    ' : ',
    ' :',
    '\t:',
    '',
    ' ',
    '::',
    ';',
    '\0:',
    ':\r',
    ':\n ',
    ':\v',
    ':\f',
    '\x85:',
    '\xa0:',
    '=',
    '\r\n:',
    ':\r\n ',
  ),
  120,
);

const ending = mostly(
  oneOf('', '', '', ' ', '\t', '  \t '),
  oneOf('\v', '\f', '\0', '\r', '\x85', '\xa0', '\x1f', '\x7f'),
  120,
);

/** Values that would be more than one line to whoever clears the high bit, or splits lines at other characters. */
const treacherous = oneOf(
  'a\x8aTransfer-Encoding: chunked',
  'a\x8d\x8aContent-Length: 3',
  'a\x85Content-Length: 5',
  'a\x8d\x8a\x8d\x8aGET /d HTTP/1.1',
  'a\xe2\x80\xa8Host: x',
  'a\xc4\x8aHost: x',
  'a\xc4\x8d\xc4\x8aHost: x',
  '\xa0',
  '\xff\xff',
  '=?utf-8?q?=0d=0aHost:_x?=',
  'a,b,,c',
  '"a\\"',
  '(a',
  '\\r\\nHost: x',
  '%0d%0aHost: x',
);

const value: Text = fc.oneof(
  {
    arbitrary: oneOf(
      'x',
      '',
      '*/*',
      'gzip, deflate',
      'a=b; c=d',
      'text/plain; charset=utf-8',
      '0',
      '1',
      'Mon, 01 Jan 2024 00:00:00 GMT',
    ),
    weight: 16,
  },
  { arbitrary: valueText, weight: 12 },
  { arbitrary: treacherous, weight: 10 },
  { arbitrary: sequence(valueText, oddByte, valueText), weight: 1 },
);

const plainName = mostly(
  oneOf(
    'X-A',
    'x-b',
    'Accept',
    'User-Agent',
    'Cookie',
    'Content-Type',
    'Authorization',
    'Referer',
    'X-C',
    'Trailer',
    'Content-Encoding',
    'Cache-Control',
    "!#$%&'*+-.^_`|~0a",
    'X_A',
  ),
  oneOf(
    '',
    ' X-A',
    'X A',
    'X-A\0',
    'X(A',
    'X\xc4',
    'X-A,',
    '"X"',
    'X\x7fA',
    'X\tA',
    '\x8aX',
    'X\x8a',
    'X@',
    '{X}',
    'X/A',
    'X\v',
    '\x00',
    '[X]',
    'Content-Length2',
    'GET / HTTP/1.1',
  ),
  120,
);

const upgrade = always('Connection: upgrade\r\nUpgrade: websocket\r\n');

export const fieldLine: Text = fc.oneof(
  { arbitrary: sequence(plainName, colon, value, ending, lineEnd), weight: 120 },
  { arbitrary: sequence(hopLine, ending, lineEnd), weight: 30 },
  { arbitrary: upgrade, weight: 1 },
  {
    arbitrary: oneOf(
      ' folded: x\r\n',
      '\tfolded\r\n',
      'no colon\r\n',
      ': no name\r\n',
      '\r',
      '\n',
      '\r\n',
      'X: a\r\n b\r\n',
      'X: a\n',
      'X: a\rHost: y\r\n',
      'X: a\n\r\n',
      '\0\r\n',
      'X: a\0b\r\n',
      '\x8d\x8a',
      `X: ${'y'.repeat(3_000)}\r\n`,
      'X: y\r\n'.repeat(99),
      'X: y\r\n'.repeat(110),
      `X: ${'z'.repeat(33_000)}\r\n`,
      'Transfer-Encoding\r\n : chunked\r\n',
      'X: \x16\r\n',
    ),
    weight: 2,
  },
);
