/** What a backend gets (rules 10, 13-16, 18-23, 25): every row says the exact bytes of the head. */
import { test } from 'tap';
import { runWritten, writtenRequest } from './written.ts';

const OURS = [
  'X-Forwarded-For: 192.0.2.1',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: h',
  'Via: 1.1 edge',
] as const;

const text = (lines: readonly string[]): string => [...lines, '', ''].join('\r\n');

/** The lines a client sends behind GET and Host; those a backend gets between Host and ours. */
type LinesRow = readonly [name: string, sent: readonly string[], goesOn: readonly string[]];

const lines: Readonly<Record<string, readonly LinesRow[]>> = {
  'what passes, passes byte for byte (rules 8-10)': [
    ['nothing more', [], []],
    ['blanks as they came', ['A:1', 'B:\t 2 \t', 'C:'], ['A:1', 'B:\t 2 \t', 'C:']],
    ['order, case and repetition', ['b: 2', 'A: 1', 'B: 3', 'a: 4'], ['b: 2', 'A: 1', 'B: 3', 'a: 4']],
    [
      'every byte a value may hold',
      ['A: \x80\x85\x8a\x8d\xa0\xff~!\t"'],
      ['A: \x80\x85\x8a\x8d\xa0\xff~!\t"'],
    ],
    [
      'names that are no names of ours',
      ['X_Other: 1', "!#$%&'*+.^`|~: 2"],
      ['X_Other: 1', "!#$%&'*+.^`|~: 2"],
    ],
    [
      'what looks like ours',
      ['X-Forwarded: 1', 'X-Forwardedfor: 2'],
      ['X-Forwarded: 1', 'X-Forwardedfor: 2'],
    ],
    ['cookies and credentials', ['Cookie: a=b', 'Authorization: c'], ['Cookie: a=b', 'Authorization: c']],
  ],
  'names read with _ for - (rule 18)': [
    ['forwarding', ['X_Forwarded_For: 1', 'X-Forwarded_For: 2', 'x_real_ip: 3', 'X_FORWARDED_any: 4'], []],
    ['of the connection', ['Keep_Alive: 1', 'Proxy_Connection: 2', 'Proxy_Authorization: 3'], []],
    ['ours', ['X_Inverting_Proxy_User: 1', 'X-Inverting_Proxy-: 2'], []],
    ['of no rule', ['Max_Forwards: 1', 'User_Agent: 2'], ['Max_Forwards: 1', 'User_Agent: 2']],
  ],
  'fields that Connection names (rule 19)': [
    ['one', ['A: 1', 'Connection: A', 'B: 2'], ['B: 2']],
    ['in any case, on any line', ['aB: 1', 'Connection: x', 'AB: 2', 'Connection: ,Ab ,', 'B: 3'], ['B: 3']],
    ['before and behind', ['A: 1', 'Connection: a, b, c', 'B: 2', 'C: 3', 'D: 4'], ['D: 4']],
    [
      'close and keep-alive',
      ['Connection: close', 'Close: 1', 'Connection: keep-alive', 'Keep-Alive: 2'],
      [],
    ],
    ['nothing', ['Connection:', 'A: 1'], ['A: 1']],
    ['a field that is not there', ['Connection: Z', 'A: 1'], ['A: 1']],
    ['Expect', ['Connection: expect', 'Expect: 100-continue'], []],
  ],
  'always removed (rule 20)': [
    ['Keep-Alive', ['Keep-Alive: timeout=5'], []],
    ['Proxy-Connection', ['Proxy-Connection: keep-alive'], []],
    ['Proxy-Authorization', ['Proxy-Authorization: Basic x'], []],
    ['HTTP2-Settings', ['HTTP2-Settings: AA'], []],
    ['Upgrade without Connection', ['Upgrade: websocket'], []],
    ['Forwarded', ['Forwarded: for=1'], []],
    ['X-Real-IP', ['X-Real-IP: 1'], []],
    [
      'X-Forwarded-*',
      ['X-Forwarded-For: 1', 'X-Forwarded-Port: 2', 'X-Forwarded-: 3', 'X-FORWARDED-X: 4'],
      [],
    ],
    ['reserved names', ['X-Inverting-Proxy-User: 1', 'x-inverting-proxy-: 2'], []],
    [
      'Proxy-Status and Trailer are no such names',
      ['Proxy-Status: 1', 'Trailer: 2'],
      ['Proxy-Status: 1', 'Trailer: 2'],
    ],
  ],
  'stripped first, added afterwards (rule 20)': [
    [
      'Connection cannot remove ours',
      ['Connection: X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, Via'],
      [],
    ],
    ['nor keep a Via that it names', ['Via: 1.1 a', 'Connection: via'], []],
  ],
  'TE (rule 20)': [
    ['trailers', ['TE: trailers'], ['TE: trailers', 'Connection: TE']],
    ['among others', ['te: gzip;q=0.5, TRAILERS', 'Connection: te'], ['TE: trailers', 'Connection: TE']],
    ['on a second line', ['TE: gzip', 'TE: trailers'], ['TE: trailers', 'Connection: TE']],
    ['another', ['TE: gzip'], []],
    ['with a parameter', ['TE: trailers;q=1'], []],
    ['empty', ['TE:'], []],
  ],
  'Via (rule 21)': [['of those before', ['via: 1.0 a', 'Via: 1.1 b (c)'], ['via: 1.0 a', 'Via: 1.1 b (c)']]],
  'Expect (rule 22)': [['goes on', ['expect: 100-Continue'], ['expect: 100-Continue']]],
  'Upgrade (rule 23)': [
    [
      'in its place, with a Connection of ours',
      ['Upgrade: WebSocket', 'Connection: keep-alive, Upgrade', 'A: 1'],
      ['Upgrade: WebSocket', 'A: 1', 'Connection: upgrade'],
    ],
    [
      'with TE',
      ['Connection: upgrade', 'Upgrade: a, b', 'TE: trailers'],
      ['Upgrade: a, b', 'TE: trailers', 'Connection: upgrade, TE'],
    ],
    ['two lines', ['Connection: upgrade', 'Upgrade: a', 'Upgrade: b'], []],
    ['h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AA'], []],
    [
      'what Connection names beside it',
      ['Connection: upgrade, a', 'Upgrade: x', 'A: 1'],
      ['Upgrade: x', 'Connection: upgrade'],
    ],
  ],
  'Max-Forwards of another method (rule 25)': [['stays', ['Max-Forwards: 5'], ['Max-Forwards: 5']]],
};

for (const [rule, rows] of Object.entries(lines)) {
  test(rule, (t) => {
    for (const [name, sent, goesOn] of rows) {
      const expected = { head: text(['GET /a HTTP/1.1', 'Host: h', ...goesOn, ...OURS]), body: '', end: '' };
      runWritten(t, name, text(['GET /a HTTP/1.1', 'Host: h', ...sent]), expected, writtenRequest);
    }
    t.end();
  });
}
