/** Whole cases: one to four requests in a row, sometimes with a byte changed or the end missing, cut anywhere. */
import * as fc from 'fast-check';
import type { Case } from '../case.ts';
import { framed } from './body.ts';
import { fieldLine } from './fields.ts';
import { hostLines } from './host.ts';
import { cuts, damaged } from './damage.ts';
import { always, lineEnd, mostly, oneOf, type Text } from './parts.ts';
import { requestLine } from './request-line.ts';

const before = mostly(
  always(''),
  oneOf(
    '\r\n',
    '\r\n\r\n',
    '\r\n\r\n\r\n',
    '\n',
    '\r',
    ' ',
    '\0',
    '\t\r\n',
    '\r\n ',
    '\n\r\n',
    '\xef\xbb\xbf',
  ),
  50,
);

function request(index: number): Text {
  return fc
    .tuple(
      before,
      requestLine(index),
      hostLines,
      fc.array(fieldLine, { maxLength: 3 }),
      framed,
      fc.nat(9),
      lineEnd,
    )
    .map(([empty, line, host, fields, { lines, body }, turn, end]) => {
      const all = [...lines, host, ...fields];
      const at = turn % all.length;
      return `${empty}${line}${[...all.slice(at), ...all.slice(0, at)].join('')}${end}${body}`;
    });
}

const requests = fc
  .integer({ min: 1, max: 4 })
  .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => request(index))))
  .map((all) => all.join(''));

const message = damaged(requests);

export const requestCase: fc.Arbitrary<Case> = fc.record({
  message,
  cuts,
  halfClosesAtOnce: fc.oneof(
    { arbitrary: fc.constant(false), weight: 9 },
    { arbitrary: fc.constant(true), weight: 1 },
  ),
});
