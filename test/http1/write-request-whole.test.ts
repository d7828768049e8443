/** Whole requests and what a backend gets of them, and what this hop says itself (rules 1, 7, 11, 13-17, 20-25, 28-31). */
import { test } from 'tap';
import { latin1 } from './pieces.ts';
import { runWritten, writtenRequest } from './written.ts';
import type { RequestTo } from './written.ts';

const OURS = [
  'X-Forwarded-For: 192.0.2.1',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: h',
  'Via: 1.1 edge',
] as const;

const text = (lines: readonly string[]): string => [...lines, '', ''].join('\r\n');

/** Whole messages: what a client sends, the head a backend gets, the body, what is written behind it. */
type MessageRow = readonly [name: string, sent: string, head: readonly string[], body: string, end: string];

const chunked = (...behind: string[]): string =>
  text(['POST /a HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked']) + behind.join('');
const CHUNKED_HEAD = ['POST /a HTTP/1.1', 'Host: h', 'Transfer-Encoding: chunked', ...OURS];

const messages: readonly MessageRow[] = [
  [
    'rule 1: empty lines before it end here',
    `\r\n\r\n${text(['GET / HTTP/1.1', 'Host: h'])}`,
    ['GET / HTTP/1.1', 'Host: h', ...OURS],
    '',
    '',
  ],
  [
    'rule 7: HTTP/1.0 goes on as 1.1',
    text(['GET / HTTP/1.0', 'Host: h', 'Connection: keep-alive', 'Keep-Alive: 5']),
    ['GET / HTTP/1.1', 'Host: h', ...OURS.slice(0, 3), 'Via: 1.0 edge'],
    '',
    '',
  ],
  [
    'rule 11: a method of its own',
    text(['m-Search /* HTTP/1.1', 'Host: h']),
    ['m-Search /* HTTP/1.1', 'Host: h', ...OURS],
    '',
    '',
  ],
  [
    'rule 13: absolute-form becomes origin-form',
    text(['GET hTTps://H:1/b?c HTTP/1.1', 'Host: h:1']),
    ['GET /b?c HTTP/1.1', 'Host: h:1', ...OURS],
    '',
    '',
  ],
  [
    'rule 13: asterisk-form stays',
    text(['OPTIONS * HTTP/1.1', 'Host: h']),
    ['OPTIONS * HTTP/1.1', 'Host: h', ...OURS],
    '',
    '',
  ],
  [
    'rule 14: the path, byte for byte',
    text(['GET //a/%2e%2E/../b;c?d=[e]|`\\ HTTP/1.1', 'Host: h']),
    ['GET //a/%2e%2E/../b;c?d=[e]|`\\ HTTP/1.1', 'Host: h', ...OURS],
    '',
    '',
  ],
  [
    'rule 15: Transfer-Encoding is written anew',
    `${text(['POST /a HTTP/1.1', 'Host: h', 'transfer-encoding:CHUNKED\t', 'A: 1'])}0\r\n\r\n`,
    ['POST /a HTTP/1.1', 'Host: h', 'transfer-encoding: chunked', 'A: 1', ...OURS],
    '',
    '0\r\n\r\n',
  ],
  [
    'rule 16: Content-Length is written anew',
    `${text(['POST /a HTTP/1.1', 'Host: h', 'content-length:\t003 ', 'A: 1'])}a\0b`,
    ['POST /a HTTP/1.1', 'Host: h', 'content-length: 3', 'A: 1', ...OURS],
    'a\0b',
    '',
  ],
  [
    'rule 16: zero stays',
    text(['POST /a HTTP/1.1', 'Host: h', 'Content-Length: 0']),
    ['POST /a HTTP/1.1', 'Host: h', 'Content-Length: 0', ...OURS],
    '',
    '',
  ],
  [
    'rule 17: none is added',
    text(['POST /a HTTP/1.1', 'Host: h']),
    ['POST /a HTTP/1.1', 'Host: h', ...OURS],
    '',
    '',
  ],
  [
    'rule 22: Expect of HTTP/1.0 ends here',
    `${text(['POST /a HTTP/1.0', 'Host: h', 'Expect: 100-continue', 'Content-Length: 1'])}b`,
    ['POST /a HTTP/1.1', 'Host: h', 'Content-Length: 1', ...OURS.slice(0, 3), 'Via: 1.0 edge'],
    'b',
    '',
  ],
  [
    'rule 23: with a body it is no upgrade',
    `${text(['POST /a HTTP/1.1', 'Host: h', 'Connection: upgrade', 'Upgrade: x', 'Content-Length: 1'])}b`,
    ['POST /a HTTP/1.1', 'Host: h', 'Content-Length: 1', ...OURS],
    'b',
    '',
  ],
  [
    'rule 25: one less',
    text(['OPTIONS /a HTTP/1.1', 'Host: h', 'max-forwards: 010', 'A: 1']),
    ['OPTIONS /a HTTP/1.1', 'Host: h', 'max-forwards: 9', 'A: 1', ...OURS],
    '',
    '',
  ],
  [
    'rule 25: the last hop but one',
    text(['OPTIONS * HTTP/1.1', 'Host: h', 'Max-Forwards: 1']),
    ['OPTIONS * HTTP/1.1', 'Host: h', 'Max-Forwards: 0', ...OURS],
    '',
    '',
  ],
  [
    'rule 25: no number is no limit',
    text(['OPTIONS /a HTTP/1.1', 'Host: h', 'Max-Forwards: 1x']),
    ['OPTIONS /a HTTP/1.1', 'Host: h', 'Max-Forwards: 1x', ...OURS],
    '',
    '',
  ],
  [
    'rule 25: nor are two lines',
    text(['OPTIONS /a HTTP/1.1', 'Host: h', 'Max-Forwards: 1', 'Max-Forwards: 1']),
    ['OPTIONS /a HTTP/1.1', 'Host: h', 'Max-Forwards: 1', 'Max-Forwards: 1', ...OURS],
    '',
    '',
  ],
  [
    'rules 19, 25: named by Connection',
    text(['OPTIONS /a HTTP/1.1', 'Host: h', 'Max-Forwards: 4', 'Connection: max-forwards']),
    ['OPTIONS /a HTTP/1.1', 'Host: h', ...OURS],
    '',
    '',
  ],
  [
    'rules 28, 31: extensions end here',
    chunked('3;a;b=c;d="e\\"f"\r\nabc\r\n', '0;z\r\n\r\n'),
    CHUNKED_HEAD,
    'abc',
    '0\r\n\r\n',
  ],
  [
    'rule 30: trailers go on, without blanks',
    chunked('1\r\na\r\n0\r\n', 'A:1\r\nb: \t2 \r\nA: 3\r\n\r\n'),
    CHUNKED_HEAD,
    'a',
    '0\r\nA: 1\r\nb: 2\r\nA: 3\r\n\r\n',
  ],
];

test('whole messages', (t) => {
  for (const [name, sent, head, body, end] of messages)
    runWritten(t, name, sent, { head: text(head), body, end }, writtenRequest);
  t.end();
});

/** What this hop is told to say: rows of options, lines sent, lines written (from behind the request line). */
type OptionsRow = readonly [name: string, to: RequestTo, sent: readonly string[], written: readonly string[]];

const trusted = { trustChain: true };
const options: readonly OptionsRow[] = [
  [
    'the agent asks for another Host',
    { forwarding: { hostHeader: 'b:3000' } },
    ['hOST:h', 'A: 1'],
    ['hOST: b:3000', 'A: 1', ...OURS],
  ],
  [
    'fields of ours stand last',
    {
      disclosure: {
        fields: [
          ['X-Inverting-Proxy-User', 'u'],
          ['A', '\x80\t~'],
        ],
      },
    },
    ['Host: h'],
    ['Host: h', ...OURS, 'X-Inverting-Proxy-User: u', 'A: \x80\t~'],
  ],
  [
    'Connection cannot remove them',
    { disclosure: { fields: [['A', '1']] } },
    ['Host: h', 'A: 0', 'Connection: a'],
    ['Host: h', ...OURS, 'A: 1'],
  ],
  [
    'clear text and IPv6',
    { forwarding: { proto: 'http', for: '2001:db8::1', host: '[::1]:80' } },
    ['Host: [::1]:80'],
    [
      'Host: [::1]:80',
      'X-Forwarded-For: 2001:db8::1',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: [::1]:80',
      'Via: 1.1 edge',
    ],
  ],
  ['trusted: nothing said before', { forwarding: trusted }, ['Host: h'], ['Host: h', ...OURS]],
  [
    'trusted: the chain grows at its end',
    { forwarding: trusted },
    ['Host: h', 'x-forwarded-for: a, b', 'X-Forwarded-For:', 'X-Forwarded-For: c'],
    ['Host: h', 'X-Forwarded-For: a, b, c, 192.0.2.1', ...OURS.slice(1)],
  ],
  [
    'trusted: what it said stands',
    { forwarding: trusted },
    [
      'Host: h',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: z',
      'Forwarded: for=1',
      'X-Real-IP: 1',
      'X-Forwarded-Port: 2',
    ],
    [
      'Host: h',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: z',
      'Forwarded: for=1',
      'X-Real-IP: 1',
      'X-Forwarded-Port: 2',
      OURS[0],
      OURS[3],
    ],
  ],
  [
    'trusted: not by another spelling',
    { forwarding: trusted },
    ['Host: h', 'X_Forwarded_For: a', 'X_Forwarded_Proto: b', 'X_Forwarded_Host: c', 'X_Real_IP: d'],
    ['Host: h', ...OURS],
  ],
  [
    'trusted: what Connection names is not kept',
    { forwarding: trusted },
    [
      'Host: h',
      'X-Forwarded-For: a',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Host: z',
      'Connection: x-forwarded-for, x-forwarded-proto, x-forwarded-host',
    ],
    ['Host: h', ...OURS],
  ],
  [
    "trusted: reserved names are nobody else's",
    { forwarding: trusted },
    ['Host: h', 'X-Inverting-Proxy-User: a'],
    ['Host: h', ...OURS],
  ],
];

test('what this hop says', (t) => {
  for (const [name, to, sent, written] of options) {
    const expected = { head: text(['GET /a HTTP/1.1', ...written]), body: '', end: '' };
    runWritten(t, name, text(['GET /a HTTP/1.1', ...sent]), expected, (pieces) => writtenRequest(pieces, to));
  }
  t.end();
});

function request(to: RequestTo, ...sent: string[]): unknown {
  return writtenRequest([latin1(text(['OPTIONS /a HTTP/1.1', 'Host: h', ...sent]))], to);
}

test('what this hop must not be told to say', (t) => {
  const bad: readonly (readonly [string, string])[] = [
    ['', 'v'],
    ['a b', 'v'],
    ['a:', 'v'],
    ['a', 'v\r\nx: y'],
    ['a', '\0'],
    ['a', '\x7f'],
    // Written as latin1 it would be a LF.
    ['a', 'Ċ'],
  ];
  for (const field of bad)
    t.throws(() => request({ disclosure: { fields: [field] } }), /not a field to add/, JSON.stringify(field));
  t.throws(() => request({}, 'Max-Forwards: 0'), /is answered here/, 'Max-Forwards: 0 sent on');
  t.end();
});
