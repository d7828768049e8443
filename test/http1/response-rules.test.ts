/** Rules 34 to 44, a row or more each: what a backend says, and what is made of it. */
import { test } from 'tap';
import { runRow } from './rows.ts';
import type { Row } from './rows.ts';

const response = (...lines: string[]): string => [...lines, '', ''].join('\r\n');
const sized = (statusLine: string): string => `${statusLine}\r\nContent-Length: 1\r\n\r\nb`;
const OK = '200 sized "b"';

const rules: Readonly<Record<string, readonly Row[]>> = {
  'rule 34: the same byte rules': [
    ['two empty lines', `\r\n\r\n${sized('HTTP/1.1 200 OK')}`, OK],
    ['three empty lines', `\r\n\r\n\r\n${sized('HTTP/1.1 200 OK')}`, '502 (first byte)'],
    ['LF first', `\n${sized('HTTP/1.1 200 OK')}`, '502 (bare LF)'],
    ['obs-fold', response('HTTP/1.1 200 OK', 'X: a', ' b'), '502 (obs-fold)'],
    ['bare CR', response('HTTP/1.1 200 OK', 'X: a\rb'), '502 (bare CR)'],
  ],
  'rule 35: the status line': [
    ['100 is the lowest', response('HTTP/1.1 099 X'), '502 (status range)'],
    ['599 is the highest', sized('HTTP/1.1 599 X'), '599 sized "b"'],
    ['600', sized('HTTP/1.1 600 X'), '502 (status range)'],
    ['two digits', sized('HTTP/1.1 20'), '502 (status line)'],
    ['two digits and a blank', sized('HTTP/1.1 20 OK'), '502 (status line)'],
    ['a blank and no reason', sized('HTTP/1.1 200 '), OK],
    ['high bytes in the reason', sized('HTTP/1.1 200 \xd6K'), OK],
    ['TAB in the reason', sized('HTTP/1.1 200 O\tK'), OK],
    ['DEL in the reason', sized('HTTP/1.1 200 O\x7fK'), '502 (status line)'],
    ['TAB for the first blank', sized('HTTP/1.1\t200 OK'), '502 (status line)'],
    ['TAB for the second blank', sized('HTTP/1.1 200\tOK'), '502 (status line)'],
    ['lower case', sized('http/1.1 200 OK'), '502 (status line)'],
    ['HTTP/1.2', sized('HTTP/1.2 200 OK'), '502 (version)'],
    ['HTTP/1.0', sized('HTTP/1.0 200 OK'), '200 sized "b" no-reuse'],
  ],
  'rules 36, 37: 1xx': [
    [
      'no body whatever it says',
      `${response('HTTP/1.1 103 X', 'Content-Length: 5')}${sized('HTTP/1.1 200 OK')}`,
      `103 none → ${OK}`,
    ],
    [
      'two framings',
      `${response('HTTP/1.1 102 X', 'Content-Length: x', 'Transfer-Encoding: y')}${sized('HTTP/1.1 200 OK')}`,
      `102 none → ${OK}`,
    ],
    [
      'a 101 for what was not offered',
      response('HTTP/1.1 101 X', 'Connection: upgrade', 'Upgrade: h2c'),
      '502 (101 without Upgrade)',
    ],
    [
      'a 101 for more than was offered',
      response('HTTP/1.1 101 X', 'Connection: upgrade', 'Upgrade: websocket, x'),
      '502 (101 without Upgrade)',
    ],
    [
      'a 101 without Connection',
      response('HTTP/1.1 101 X', 'Upgrade: websocket'),
      '502 (101 without Upgrade)',
    ],
    [
      'a 101 with an empty Upgrade',
      response('HTTP/1.1 101 X', 'Connection: upgrade', 'Upgrade:'),
      '502 (101 without Upgrade)',
    ],
    [
      'a 101 in other case',
      response('HTTP/1.1 101 X', 'connection: UPGRADE', 'upgrade: WebSocket'),
      '101 tunnel no-reuse → [tunnel, 0 B]',
    ],
  ],
  'rule 38: no body': [
    ['204 with a length', response('HTTP/1.1 204 X', 'Content-Length: 5'), '204 none'],
    ['304 chunked', response('HTTP/1.1 304 X', 'Transfer-Encoding: chunked'), '304 none'],
    ['304 with a bad length', response('HTTP/1.1 304 X', 'Content-Length: x'), '502 (CL)'],
  ],
  'rule 39: Transfer-Encoding': [
    ['Chunked', `${response('HTTP/1.1 200 X', 'Transfer-Encoding: Chunked')}0\r\n\r\n`, '200 chunked'],
    [
      'chunked twice',
      response('HTTP/1.1 200 X', 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
      '502 (TE value)',
    ],
    ['in HTTP/1.0', response('HTTP/1.0 200 X', 'Transfer-Encoding: chunked'), '502 (TE in 1.0)'],
  ],
  'rule 40: Content-Length': [
    [
      'three times the same',
      `${response('HTTP/1.1 200 X', 'Content-Length: 1, 1', 'Content-Length:\t1')}b`,
      OK,
    ],
    ['1 and 01', response('HTTP/1.1 200 X', 'Content-Length: 1, 01'), '502 (CL)'],
    ['empty', response('HTTP/1.1 200 X', 'Content-Length:'), '502 (CL)'],
    ['empty element', response('HTTP/1.1 200 X', 'Content-Length: 1,'), '502 (CL)'],
    ['NBSP', response('HTTP/1.1 200 X', 'Content-Length: 1, \xa01'), '502 (CL)'],
    ['2^53', response('HTTP/1.1 200 X', 'Content-Length: 9007199254740992'), '502 (CL)'],
    ['0', response('HTTP/1.1 200 X', 'Content-Length: 0'), '200 none'],
  ],
  'rules 41, 43: what ends with the connection': [
    [
      'close-delimited and empty: what follows is its body',
      response('HTTP/1.1 200 X'),
      '200 close no-reuse',
      '200 close "GET /next HTTP/1.1\\r\\nHost: h\\r\\n\\r" no-reuse',
    ],
    [
      'close-delimited: what follows is its body',
      `${response('HTTP/1.1 200 X')}abc`,
      '200 close "abc" no-reuse',
      '200 close "abcGET /next HTTP/1.1\\r\\nHost: h" no-reuse',
    ],
    [
      'sized and cut short',
      `${response('HTTP/1.1 200 X', 'Content-Length: 3')}ab`,
      '200 sized "ab" → ABORT (truncated sized body: abort client connection)',
    ],
    [
      'chunked, cut in its trailers',
      `${response('HTTP/1.1 200 X', 'Transfer-Encoding: chunked')}0\r\nX: a\r\n`,
      '200 chunked → ABORT (truncated chunked body: abort client connection)',
    ],
    ['nothing at all: what follows is taken for the response', '', '', '502 (status line)'],
    ['empty lines only: what follows is taken for the response', '\r\n\r\n', '', '502 (status line)'],
  ],
  'keep-alive of the backend': [
    ['close', `${response('HTTP/1.1 200 X', 'Connection: Close', 'Content-Length: 1')}b`, `${OK} no-reuse`],
    [
      'a bad Connection',
      response('HTTP/1.1 200 X', 'Connection: a b', 'Content-Length: 0'),
      '502 (Connection value)',
    ],
  ],
};

for (const [rule, rows] of Object.entries(rules)) {
  test(rule, (t) => {
    for (const row of rows) runRow(t, row, { kind: 'response' });
    t.end();
  });
}

test('rule 38: HEAD has no body, whatever is announced', (t) => {
  const head: readonly Row[] = [
    ['a length', response('HTTP/1.1 200 X', 'Content-Length: 5'), '200 none'],
    ['a bad length', response('HTTP/1.1 200 X', 'Content-Length: 5x'), '502 (CL)'],
    ['close-delimited keeps the connection', response('HTTP/1.1 200 X'), '200 none'],
  ];
  for (const row of head) runRow(t, row, { kind: 'response', method: 'HEAD' });
  t.end();
});
