/** Rules 3, 4, 34: the limits of a head, each at its border, at their defaults and at settings that tell them apart. */
import { test } from 'tap';
import { requestHeadLimits, responseHeadLimits } from '../../shared/http1/limits.ts';
import type { HeadLimits } from '../../shared/http1/limits.ts';
import { runRow } from './rows.ts';
import type { Row } from './rows.ts';

/** `before` filled up to `bytes` with letters that belong to its last value or its target, then `behind`. */
const filled = (before: string, bytes: number, behind: string): string =>
  before + 'a'.repeat(bytes - before.length - behind.length) + behind;
const fieldsOf = (count: number, line = 'A: 1'): string => `${line}\r\n`.repeat(count);

const GET = 'GET / HTTP/1.1\r\nHost: h\r\n';
const TARGET_END = ' HTTP/1.1\r\n';
const OK = 'HTTP/1.1 200 OK\r\n';
const RESPONSE = `${OK}Content-Length: 0\r\n`;

/** Room for exactly 100 bytes, lines of 40 and 3 fields. */
const SMALL: HeadLimits = { headBytes: 100, lineBytes: 40, fields: 3 };

const requests: readonly Row[] = [
  [
    'a head of exactly its limit',
    filled(`${GET}A: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nB: `, 100, '\r\n\r\n'),
    'GET / none',
  ],
  [
    'a byte more',
    filled(`${GET}A: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nB: `, 101, '\r\n\r\n'),
    '431 (head too large)',
  ],
  [
    'only the last LF is too much',
    filled(`${GET}A: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nB: `, 101, '\r\n\r\n').slice(0, 100),
    '431 (head too large)',
  ],
  [
    'empty lines before it do not count',
    `\r\n\r\n${filled(`${GET}A: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nB: `, 100, '\r\n\r\n')}`,
    'GET / none',
  ],
  [
    'a request line of exactly its limit',
    `${filled('GET /', 42, TARGET_END)}Host: h\r\n\r\n`,
    `GET /${'a'.repeat(26)} none`,
  ],
  ['a byte more', `${filled('GET /', 43, TARGET_END)}Host: h\r\n\r\n`, '414 (request line too long)'],
  ['a request line without an end', 'a'.repeat(42), '414 (request line too long)'],
  ['not yet', 'a'.repeat(41), '400 (EOF in head)'],
  ['a field line of exactly its limit', `${GET}${filled('A: ', 42, '\r\n')}\r\n`, 'GET / none'],
  ['a byte more', `${GET}${filled('A: ', 43, '\r\n')}\r\n`, '431 (head too large)'],
  ['a field line without an end', `${GET}${'A'.repeat(42)}`, '431 (head too large)'],
  ['as many fields as there may be', `${GET}${fieldsOf(2)}\r\n`, 'GET / none'],
  ['one more', `${GET}${fieldsOf(3)}\r\n`, '431 (too many fields)'],
  ['counted while they come', `${GET}${fieldsOf(3)}`, '431 (too many fields)'],
  ['whatever they are', `GET / HTTP/1.1\r\n${fieldsOf(4, ':')}`, '431 (too many fields)'],
  ['the byte rules speak first', `${GET}${fieldsOf(2)}a\n`, '400 (bare LF)'],
];

test('rules 3, 4: at settings of their own', (t) => {
  for (const row of requests) runRow(t, row, { kind: 'request', headLimits: SMALL });
  t.end();
});

test('one line may use the whole head', (t) => {
  const limits: HeadLimits = { headBytes: 60, lineBytes: 60, fields: 3 };
  const rows: readonly Row[] = [
    ['a field line', filled(`${GET}A: `, 60, '\r\n\r\n'), 'GET / none'],
    ['a byte more', filled(`${GET}A: `, 61, '\r\n\r\n'), '431 (head too large)'],
    ['a request line', `${filled('GET /', 49, TARGET_END)}Host: h\r\n\r\n`, `GET /${'a'.repeat(33)} none`],
    ['a byte more', `${filled('GET /', 50, TARGET_END)}Host: h\r\n\r\n`, '431 (head too large)'],
    ['a request line that fills the head', filled('GET /', 60, TARGET_END), '431 (head too large)'],
    ['and one that overflows it', filled('GET /', 61, TARGET_END), '414 (request line too long)'],
  ];
  for (const row of rows) runRow(t, row, { kind: 'request', headLimits: limits });
  t.end();
});

test('rule 4: the defaults of a request', (t) => {
  t.strictSame(requestHeadLimits, { headBytes: 32_768, lineBytes: 32_768, fields: 100 });
  const rows: readonly Row[] = [
    ['32 KiB', filled(`${GET}A: `, 32_768, '\r\n\r\n'), 'GET / none'],
    ['a byte more', filled(`${GET}A: `, 32_769, '\r\n\r\n'), '431 (head too large)'],
    [
      'a request line of 32 KiB and a byte',
      filled('GET /', 32_769, TARGET_END),
      '414 (request line too long)',
    ],
    ['100 fields', `${GET}${fieldsOf(99)}\r\n`, 'GET / none'],
    ['101 fields', `${GET}${fieldsOf(100)}\r\n`, '431 (too many fields)'],
  ];
  for (const row of rows) runRow(t, row, { kind: 'request' });
  t.end();
});

test('rule 34: the defaults of a response; every excess is a 502', (t) => {
  t.strictSame(responseHeadLimits, { headBytes: 65_536, lineBytes: 65_536, fields: 200 });
  const rows: readonly Row[] = [
    ['64 KiB', filled(`${RESPONSE}A: `, 65_536, '\r\n\r\n'), '200 none'],
    ['a byte more', filled(`${RESPONSE}A: `, 65_537, '\r\n\r\n'), '502 (head too large)'],
    ['200 fields', `${RESPONSE}${fieldsOf(199)}\r\n`, '200 none'],
    ['201 fields', `${RESPONSE}${fieldsOf(200)}\r\n`, '502 (too many fields)'],
    [
      'a status line of 64 KiB and a byte',
      filled('HTTP/1.1 200 ', 65_537, '\r\n'),
      '502 (status line too long)',
    ],
  ];
  for (const row of rows) runRow(t, row, { kind: 'response' });
  t.end();
});

test('each head of a connection has the limit for itself', (t) => {
  const head = filled(`${GET}A: aaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nB: `, 100, '\r\n\r\n');
  runRow(t, ['three of them', head.repeat(3), 'GET / none → GET / none → GET / none'], {
    kind: 'request',
    headLimits: SMALL,
  });
  t.end();
});
