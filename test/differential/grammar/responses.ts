/** Responses of a backend: interim ones, a final one with every framing there is, and what should not stand behind it. */
import * as fc from 'fast-check';
import { placeholderId } from '../marker.ts';
import type { ResponseCase } from '../response-case.ts';
import { chunked, type Framed, sized, twice } from './body.ts';
import { payload } from './payload.ts';
import { cuts, damaged } from './damage.ts';
import { fieldLine } from './fields.ts';
import { always, lineEnd, mostly, oneOf, sequence } from './parts.ts';

const version = mostly(
  fc.oneof({ arbitrary: always('HTTP/1.1'), weight: 10 }, { arbitrary: always('HTTP/1.0'), weight: 1 }),
  oneOf(
    'HTTP/1.2',
    'HTTP/2.0',
    'HTTP/0.9',
    'http/1.1',
    'HTTP/1',
    'HTTP/1.10',
    'ICY',
    'HTTP/1.1\t',
    '',
    'HTTPS/1.1',
    'HTTP/01.1',
    'HTTP /1.1',
  ),
);

const status = mostly(
  oneOf(
    '200',
    '200',
    '200',
    '200',
    '404',
    '500',
    '206',
    '301',
    '204',
    '304',
    '201',
    '205',
    '299',
    '401',
    '418',
    '503',
    '599',
    '407',
    '426',
  ),
  oneOf(
    '101',
    '100',
    '99',
    '600',
    '999',
    '000',
    '20',
    '2000',
    '2 0',
    '0x8',
    '-20',
    '+20',
    '20\0',
    '\xb2\xb2\xb2',
    '',
    'abc',
    '200OK',
    '102',
    '199',
    ' 200',
    '2e2',
  ),
  20,
);

const reason = mostly(
  oneOf(' OK', ' ', '', ' Not Found', ' \xe4\xff', ' a  b', ' 200'),
  oneOf(' \0', ' a\rb', ' a\nb', '\tOK', ' \x7f', ' \v', ' a\x8aX: y', ' \x85'),
  30,
);

const statusLine = sequence(
  version,
  mostly(always(' '), oneOf('  ', '\t', '', '\v', '\xa0', '\0'), 60),
  status,
  reason,
  lineEnd,
);

const interim = fc.oneof(
  { arbitrary: always(''), weight: 12 },
  {
    arbitrary: oneOf(
      'HTTP/1.1 100 Continue\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n',
      'HTTP/1.1 102 Processing\r\n\r\n',
      'HTTP/1.0 100 Continue\r\n\r\n',
      'HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n',
      'HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n',
      'HTTP/1.1 199 x\r\n\r\n',
      'HTTP/1.1 103 \r\nConnection: close\r\n\r\n',
    ),
    weight: 3,
  },
  {
    arbitrary: oneOf(
      'HTTP/1.1 100 x\r\n\r\n'.repeat(10),
      'HTTP/1.1 100 x\r\n\r\n'.repeat(11),
      'HTTP/1.1 101 x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
      'HTTP/1.1 100\n\n',
      '\r\n',
      '\r\n\r\n\r\n',
    ),
    weight: 1,
  },
);

const untilClose: fc.Arbitrary<Framed> = fc.record({ lines: fc.constant<string[]>([]), body: payload });
const silent: fc.Arbitrary<Framed> = fc.record({
  lines: fc.oneof(
    { arbitrary: fc.constant(['Content-Length: 0\r\n']), weight: 4 },
    { arbitrary: fc.constant(['Content-Length: 3, 3\r\n']), weight: 1 },
  ),
  body: fc.oneof({ arbitrary: always(''), weight: 8 }, { arbitrary: always('x'), weight: 1 }),
});
/** A length that is said twice, and the same. */
const repeated = sized.map(({ lines, body }) => ({ lines: [...lines, ...lines], body }));

const framed = fc.oneof(
  { arbitrary: sized, weight: 8 },
  { arbitrary: chunked, weight: 8 },
  { arbitrary: untilClose, weight: 4 },
  { arbitrary: silent, weight: 2 },
  { arbitrary: twice, weight: 1 },
  { arbitrary: repeated, weight: 1 },
);

const own = fc.oneof(
  { arbitrary: always(`X-Answer: ${placeholderId}\r\n`), weight: 8 },
  {
    arbitrary: oneOf(
      'Connection: close\r\n',
      'Connection: keep-alive\r\n',
      'Set-Cookie: a=b\r\nSet-Cookie: c=d\r\n',
      'Proxy-Status: x\r\n',
      'Upgrade: h2c\r\n',
      'Trailer: X-T\r\n',
      'Location: /x\r\n',
      'Connection: X-Answer\r\n',
    ),
    weight: 8,
  },
);

/** What a smuggler would want a client to see. */
const excess = mostly(
  always(''),
  oneOf(
    '\r\n',
    'x',
    'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    '\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    '0\r\n\r\n',
    '\0',
    'HTTP/1.1 100 Continue\r\n\r\n',
  ),
  7,
);

const message = damaged(
  fc
    .tuple(
      interim,
      statusLine,
      fc.array(own, { maxLength: 3 }),
      fc.array(fieldLine, { maxLength: 2 }),
      framed,
      lineEnd,
      excess,
    )
    .map(
      ([first, line, fields, others, { lines, body }, end, behind]) =>
        `${first}${line}${[...fields, ...others, ...lines].join('')}${end}${body}${behind}`,
    ),
);

export const responseCase: fc.Arbitrary<ResponseCase> = fc.record({
  message,
  cuts,
  end: fc.oneof(
    { arbitrary: fc.constant('keep' as const), weight: 6 },
    { arbitrary: fc.constant('fin' as const), weight: 5 },
    { arbitrary: fc.constant('reset' as const), weight: 1 },
  ),
  method: fc.oneof(
    { arbitrary: fc.constant('GET' as const), weight: 8 },
    { arbitrary: fc.constant('HEAD' as const), weight: 2 },
    { arbitrary: fc.constant('DELETE' as const), weight: 1 },
  ),
});
