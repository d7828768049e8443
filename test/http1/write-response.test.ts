/** What a client gets (rules 36-41, 44, 45): every row says the exact bytes of the head. */
import { test } from 'tap';
import { runWritten, writtenResponse } from './written.ts';
import type { ResponseTo } from './written.ts';

const text = (lines: readonly string[]): string => [...lines, '', ''].join('\r\n');

/** The lines a backend sends behind the status line and Content-Length: 0; those a client gets behind them. */
type LinesRow = readonly [name: string, sent: readonly string[], goesOn: readonly string[]];

const lines: Readonly<Record<string, readonly LinesRow[]>> = {
  'what passes, passes byte for byte': [
    ['nothing more', [], []],
    ['blanks as they came', ['A:1', 'B:\t 2 \t', 'C:'], ['A:1', 'B:\t 2 \t', 'C:']],
    [
      'order, case and repetition',
      ['Set-Cookie: b', 'A: 1', 'set-cookie: a'],
      ['Set-Cookie: b', 'A: 1', 'set-cookie: a'],
    ],
    [
      'every byte a value may hold',
      ['A: \x80\x85\x8a\x8d\xa0\xff~!\t"'],
      ['A: \x80\x85\x8a\x8d\xa0\xff~!\t"'],
    ],
    [
      'what ends only in requests',
      ['Via: 1.1 b', 'HTTP2-Settings: A', 'Trailer: t', 'Forwarded: f'],
      ['Via: 1.1 b', 'HTTP2-Settings: A', 'Trailer: t', 'Forwarded: f'],
    ],
    [
      'what is refused only in requests',
      ['Host: a', 'Expect: x', 'Max-Forwards: 0', 'Content_Length: 9'],
      ['Host: a', 'Expect: x', 'Max-Forwards: 0', 'Content_Length: 9'],
    ],
  ],
  'removed (rule 45)': [
    ['Connection and what it names', ['A: 1', 'Connection: a, B', 'B: 2', 'C: 3', 'b: 4'], ['C: 3']],
    ['close names no field', ['Connection: close', 'A: 1'], ['A: 1']],
    ['Connection cannot remove the framing', ['Connection: content-length'], []],
    ['Keep-Alive', ['Keep-Alive: timeout=5', 'Connection: keep-alive'], []],
    ['Proxy-Connection', ['Proxy-Connection: close'], []],
    ['TE', ['TE: trailers'], []],
    ['Upgrade', ['Upgrade: h2c', 'Connection: Upgrade'], []],
    ['Proxy-Status, which no backend may forge', ['Proxy-Status: proxy; error=x', 'proxy_status: y'], []],
    ['reserved names', ['X-Inverting-Proxy-User: 1', 'x_inverting_proxy_: 2'], []],
  ],
};

for (const [rule, rows] of Object.entries(lines)) {
  test(rule, (t) => {
    for (const [name, sent, goesOn] of rows) {
      const head = text(['HTTP/1.1 200 OK', 'Content-Length: 0', ...goesOn]);
      const message = text(['HTTP/1.1 200 OK', 'Content-Length: 0', ...sent]);
      runWritten(t, name, message, { head, body: '', end: '' }, writtenResponse);
    }
    t.end();
  });
}

/** What a backend sends, for whom; the head the client gets, the body, what is written behind it. */
type MessageRow = readonly [
  name: string,
  to: ResponseTo,
  sent: string,
  head: readonly string[],
  body: string,
  end: string,
];

const OLD: ResponseTo = { request: { version: '1.0' }, client: { version: '1.0', keepAlive: false } };
const HEAD: ResponseTo = { request: { method: 'HEAD' } };
const LAST: ResponseTo = { client: { keepAlive: false } };
const WEBSOCKET: ResponseTo = { request: { upgrade: 'websocket, x' } };
const chunked = '3;a=b\r\nabc\r\n0\r\nT: 1\r\n\r\n';

const messages: readonly MessageRow[] = [
  [
    'rule 34: empty lines before it end here',
    {},
    `\r\n\r\n${text(['HTTP/1.1 200 OK', 'Content-Length: 1'])}b`,
    ['HTTP/1.1 200 OK', 'Content-Length: 1'],
    'b',
    '',
  ],
  [
    'rule 35: no reason',
    {},
    text(['HTTP/1.1 299', 'Content-Length: 0']),
    ['HTTP/1.1 299 ', 'Content-Length: 0'],
    '',
    '',
  ],
  [
    'rule 35: an odd reason',
    {},
    text(['HTTP/1.1 200  \t\xd6K ', 'Content-Length: 0']),
    ['HTTP/1.1 200  \t\xd6K ', 'Content-Length: 0'],
    '',
    '',
  ],
  [
    'rule 35: HTTP/1.0 goes on as 1.1',
    {},
    `${text(['HTTP/1.0 200 OK', 'Content-Length: 1', 'Connection: keep-alive'])}b`,
    ['HTTP/1.1 200 OK', 'Content-Length: 1'],
    'b',
    '',
  ],
  [
    'rule 36: an interim answer has no framing',
    {},
    text([
      'HTTP/1.1 103 Early Hints',
      'Link: </a>',
      'Content-Length: 5',
      'Transfer-Encoding: chunked',
      'Connection: a',
      'A: 1',
    ]),
    ['HTTP/1.1 103 Early Hints', 'Link: </a>'],
    '',
    '',
  ],
  ['rule 36: 100', {}, text(['HTTP/1.1 100 Continue']), ['HTTP/1.1 100 Continue'], '', ''],
  [
    'rule 37: 101',
    WEBSOCKET,
    text([
      'HTTP/1.1 101 X',
      'upgrade: WebSocket',
      'CONNECTION: Upgrade, a',
      'A: 1',
      'Sec-WebSocket-Accept: s',
      'Content-Length: 5',
    ]),
    ['HTTP/1.1 101 X', 'upgrade: WebSocket', 'Sec-WebSocket-Accept: s', 'Connection: upgrade'],
    '',
    '',
  ],
  [
    'rule 38: 204',
    {},
    text(['HTTP/1.1 204 X', 'Content-Length: 5', 'Transfer-Encoding: chunked', 'A: 1']),
    ['HTTP/1.1 204 X', 'A: 1'],
    '',
    '',
  ],
  [
    'rule 38: 304 keeps its length',
    {},
    text(['HTTP/1.1 304 X', 'Content-Length: 05', 'A: 1']),
    ['HTTP/1.1 304 X', 'Content-Length: 5', 'A: 1'],
    '',
    '',
  ],
  [
    'rule 38: 304 chunked',
    {},
    text(['HTTP/1.1 304 X', 'Transfer-Encoding: chunked', 'Content-Length: 5']),
    ['HTTP/1.1 304 X'],
    '',
    '',
  ],
  [
    'rule 38: HEAD keeps its length',
    HEAD,
    text(['HTTP/1.1 200 X', 'content-length:5 ', 'A: 1']),
    ['HTTP/1.1 200 X', 'content-length: 5', 'A: 1'],
    '',
    '',
  ],
  [
    'rule 38: HEAD chunked',
    HEAD,
    text(['HTTP/1.1 200 X', 'Transfer-Encoding: chunked']),
    ['HTTP/1.1 200 X'],
    '',
    '',
  ],
  ['rule 38: HEAD without a length', HEAD, text(['HTTP/1.1 200 X']), ['HTTP/1.1 200 X'], '', ''],
  [
    'rule 39: chunked is written anew, behind',
    {},
    text(['HTTP/1.1 200 X', 'transfer-encoding:CHUNKED', 'A: 1']) + chunked,
    ['HTTP/1.1 200 X', 'A: 1', 'Transfer-Encoding: chunked'],
    'abc',
    '0\r\nT: 1\r\n\r\n',
  ],
  [
    'rule 40: one line of many',
    {},
    `${text(['HTTP/1.1 200 X', 'A: 1', 'content-length: 3, 3', 'B: 2', 'Content-Length:3'])}abc`,
    ['HTTP/1.1 200 X', 'A: 1', 'content-length: 3', 'B: 2'],
    'abc',
    '',
  ],
  [
    'rule 40: zeros in front',
    {},
    `${text(['HTTP/1.1 200 X', 'Content-Length: 003'])}abc`,
    ['HTTP/1.1 200 X', 'Content-Length: 3'],
    'abc',
    '',
  ],
  [
    'rule 45: 426 keeps Upgrade',
    {},
    text(['HTTP/1.1 426 X', 'Upgrade: websocket', 'Connection: Upgrade', 'Content-Length: 0']),
    ['HTTP/1.1 426 X', 'Upgrade: websocket', 'Content-Length: 0', 'Connection: upgrade'],
    '',
    '',
  ],
  [
    'rule 45: 426, and the last',
    LAST,
    text(['HTTP/1.1 426 X', 'Upgrade: websocket', 'Content-Length: 0']),
    ['HTTP/1.1 426 X', 'Upgrade: websocket', 'Content-Length: 0', 'Connection: upgrade, close'],
    '',
    '',
  ],
  [
    'rule 46: the last says close',
    LAST,
    text(['HTTP/1.1 200 X', 'Connection: keep-alive', 'Content-Length: 0']),
    ['HTTP/1.1 200 X', 'Content-Length: 0', 'Connection: close'],
    '',
    '',
  ],
  [
    'rule 46: HTTP/1.0, sized',
    OLD,
    `${text(['HTTP/1.1 200 X', 'Content-Length: 1'])}b`,
    ['HTTP/1.1 200 X', 'Content-Length: 1', 'Connection: close'],
    'b',
    '',
  ],
  [
    'rule 41: HTTP/1.0, chunked becomes close-delimited',
    OLD,
    text(['HTTP/1.1 200 X', 'Transfer-Encoding: chunked']) + chunked,
    ['HTTP/1.1 200 X', 'Connection: close'],
    'abc',
    '0\r\nT: 1\r\n\r\n',
  ],
  [
    'fields of ours stand last',
    { extra: [['X-Request-Id', 'r']] },
    text(['HTTP/1.1 200 X', 'Content-Length: 0', 'Connection: x-request-id', 'X-Request-Id: z']),
    ['HTTP/1.1 200 X', 'Content-Length: 0', 'X-Request-Id: r'],
    '',
    '',
  ],
];

test('whole messages', (t) => {
  for (const [name, to, sent, head, body, end] of messages) {
    const expected = { head: text(head), body, end };
    runWritten(t, name, sent, expected, (pieces) => writtenResponse(pieces, to));
  }
  t.end();
});

test('rule 41: a body that ends with the connection is chunked for 1.1 and ends the connection for 1.0', (t) => {
  const sent = `${text(['HTTP/1.1 200 X', 'A: 1'])}abc`;
  const to = (head: readonly string[]) => ({ head: text(head), body: 'abc', end: '(not over)' });
  runWritten(t, '1.1', sent, to(['HTTP/1.1 200 X', 'A: 1', 'Transfer-Encoding: chunked']), writtenResponse);
  runWritten(t, '1.0', sent, to(['HTTP/1.1 200 X', 'A: 1', 'Connection: close']), (pieces) =>
    writtenResponse(pieces, OLD),
  );
  // Even where the caller would go on: the end of the connection is the end of the body.
  runWritten(t, '1.0, kept by mistake', sent, to(['HTTP/1.1 200 X', 'A: 1', 'Connection: close']), (pieces) =>
    writtenResponse(pieces, { client: { version: '1.0', keepAlive: true } }),
  );
  t.end();
});
