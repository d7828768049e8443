/** Rules 30, 44: what may stand in a trailer section, how much of it, and what of it goes on. */
import { test } from 'tap';
import { bodyLimits } from '../../shared/http1/limits.ts';
import { latin1 } from './pieces.ts';
import { runRow } from './rows.ts';
import type { Row } from './rows.ts';
import { runWritten, writtenRequest, writtenResponse } from './written.ts';

const POST = 'POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n';
const OK = 'POST /a chunked';

/** Trailer lines, then the empty one. */
const post = (...lines: string[]): string => `${POST}${[...lines, '', ''].join('\r\n')}`;
const refused = (why: string): string => `${OK} → ${why}`;

const rules: Readonly<Record<string, readonly Row[]>> = {
  'the same byte rules': [
    ['none', post(), OK],
    ['one', post('A: b'), OK],
    ['every byte a value may hold', post('A: \t\x80\xff~ !'), OK],
    ['an empty value', post('A:'), OK],
    ['bare LF', `${POST}A: b\n\r\n`, refused('400 (bare LF)')],
    ['bare CR', `${POST}A: b\rc\r\n\r\n`, refused('400 (bare CR)')],
    ['a lone LF at its end', `${POST}A: b\r\n\n`, refused('400 (bare LF)')],
    ['a lone LF for the empty line', `${POST}\n`, refused('400 (bare LF)')],
    ['CR CR LF for the empty line', `${POST}\r\r\n`, refused('400 (bare CR)')],
    ['a blank before the colon', post('A : b'), refused('400 (field name)')],
    ['a blank at line start', post('A: b', ' c'), refused('400 (obs-fold)')],
    ['a blank in the first place', post(' A: b'), refused('400 (obs-fold)')],
    ['no name', post(': b'), refused('400 (no colon / empty name)')],
    ['no colon', post('A'), refused('400 (no colon / empty name)')],
    ['a high byte in a name', post('\xe4: b'), refused('400 (field name)')],
    ['NUL', post('A: \0'), refused('400 (field value)')],
    ['DEL', post('A: b', 'C: \x7f'), refused('400 (field value)')],
  ],
  'fields of framing': [
    ['Transfer-Encoding', post('Transfer-Encoding: chunked'), refused('400 (framing field in trailer)')],
    ['Content-Length', post('A: b', 'content-length: 0'), refused('400 (framing field in trailer)')],
    ['Host', post('HOST: h'), refused('400 (framing field in trailer)')],
    ['by another spelling', post('Content_Length: 0'), refused('400 (framing field in trailer)')],
    ['Transfer_Encoding', post('Transfer_Encoding: x'), refused('400 (framing field in trailer)')],
    ['a bad line before it speaks first', post('A', 'Host: h'), refused('400 (no colon / empty name)')],
    ['and behind it too', post('Host: h', 'A'), refused('400 (no colon / empty name)')],
  ],
  'limits by default: 8 KiB, 32 fields': [
    ['8 KiB with the empty line', post(`A: ${'b'.repeat(8_192 - 7)}`), OK],
    ['a byte more', post(`A: ${'b'.repeat(8_192 - 6)}`), refused('431 (trailer too large)')],
    ['a line without an end', `${POST}${'a'.repeat(8_192)}`, refused('431 (trailer too large)')],
    ['32 fields', post(...Array.from({ length: 32 }, () => 'A: b')), OK],
    ['33 fields', post(...Array.from({ length: 33 }, () => 'A: b')), refused('431 (trailer too large)')],
    ['counted while they come', `${POST}${'A: b\r\n'.repeat(33)}`, refused('431 (trailer too large)')],
  ],
};

for (const [rule, rows] of Object.entries(rules)) {
  test(`rule 30: ${rule}`, (t) => {
    for (const row of rows) runRow(t, row, { kind: 'request' });
    t.end();
  });
  test(`rule 44: ${rule}, of a response`, (t) => {
    for (const [name, message, verdict] of rows) {
      const response = message.replace(/^.*\r\nHost: h/, 'HTTP/1.1 200 X');
      const says = verdict.replace(OK, '200 chunked').replace(/→ \d+/, '→ 502');
      runRow(t, [name, response, says], { kind: 'response' });
    }
    t.end();
  });
}

test('rule 30: at settings of their own', (t) => {
  const limits = { ...bodyLimits, trailerBytes: 20, trailerFields: 2 };
  const rows: readonly Row[] = [
    ['20 bytes', post('A: 0123456789abc'), OK],
    ['21 bytes', post('A: 0123456789abcd'), refused('431 (trailer too large)')],
    ['2 fields', post('A: 1', 'B: 2'), OK],
    ['3 fields', post('A:', 'B:', 'C:'), refused('431 (trailer too large)')],
    ['no field', post(), OK],
  ];
  for (const row of rows) runRow(t, row, { kind: 'request', bodyLimits: limits });
  t.end();
});

/** Whole lines of a trailer section, and those that go on. */
const passing: readonly (readonly [name: string, sent: readonly string[], goesOn: readonly string[]])[] = [
  [
    'what means nothing to a hop',
    ['A: 1', 'b: 2', 'Server-Timing: t', 'ETag: e', 'Digest: d'],
    ['A: 1', 'b: 2', 'Server-Timing: t', 'ETag: e', 'Digest: d'],
  ],
  ['repeated ones, in order', ['A: 1', 'B: 2', 'a: 3'], ['A: 1', 'B: 2', 'a: 3']],
  [
    'of this connection',
    [
      'Connection: a',
      'Keep-Alive: b',
      'Proxy-Connection: c',
      'TE: d',
      'Upgrade: e',
      'Proxy-Authorization: f',
      'HTTP2-Settings: g',
      'Keep_Alive: h',
    ],
    [],
  ],
  ["named by the head's Connection", ['X-Listed: 1', 'x-listed: 2', 'X-Other: 3'], ['X-Other: 3']],
  [
    'about where it came from',
    [
      'Forwarded: a',
      'X-Forwarded-For: b',
      'X-Forwarded-Any: c',
      'X-Real-IP: d',
      'Via: e',
      'X_Forwarded_For: f',
    ],
    [],
  ],
  [
    'about who it is',
    [
      'X-Forwarded-User: a',
      'x-forwarded-email: b',
      'X_Forwarded_Groups: c',
      'X-Forwarded-Preferred-Username: d',
      'X-Forwarded-Access-Token: e',
      'X-Auth-Request-Email: f',
      'X-Inverting-Proxy-User-ID: g',
      'X_INVERTING_PROXY_ASSERTION: h',
    ],
    [],
  ],
  ['that steer', ['Expect: 100-continue', 'Max-Forwards: 1'], []],
  [
    'credentials',
    [
      'Authorization: a',
      'Cookie: b',
      'Set-Cookie: c',
      'WWW-Authenticate: d',
      'Proxy-Authenticate: e',
      'AUTHORIZATION: f',
    ],
    [],
  ],
  [
    'of what the body is',
    ['Content-Type: a', 'Content-Encoding: b', 'Content-Range: c', 'Trailer: d', 'Content_Type: e'],
    [],
  ],
  ['reserved', ['X-Inverting-Proxy-User: a', 'Proxy-Status: b', 'Proxy_Status: c'], []],
];

/** The last chunk, these lines, the empty one. */
const behind = (lines: readonly string[]): string => `0\r\n${[...lines, '', ''].join('\r\n')}`;

test('rules 30, 44: what of it goes on', (t) => {
  for (const [name, sent, goesOn] of passing) {
    const request = `POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: X-Listed, close\r\n\r\n${behind(sent)}`;
    const response = `HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\nConnection: X-Listed\r\n\r\n${behind(sent)}`;
    const toBackend = { ...writtenRequest([latin1(request)]), end: behind(goesOn) };
    const toClient = { ...writtenResponse([latin1(response)]), end: behind(goesOn) };
    runWritten(t, `${name}, of a request`, request, toBackend, writtenRequest);
    runWritten(t, `${name}, of a response`, response, toClient, writtenResponse);
    t.notMatch(
      toBackend.head + toClient.head,
      /X-Other|Server-Timing|Authorization|Set-Cookie/,
      'never merged into the head',
    );
  }
  t.end();
});
