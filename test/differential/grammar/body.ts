/** Bodies with what announces them: none, sized, chunked, and with two announcements. */
import * as fc from 'fast-check';
import { codingName, lengthName, line, oddCoding, oddLength } from './announce.ts';
import { chunkedBody } from './chunks.ts';
import { always, oneOf } from './parts.ts';
import { payload } from './payload.ts';

export interface Framed {
  /** Field lines that announce the body, each with its end. */
  readonly lines: readonly string[];
  readonly body: string;
}

export const sized: fc.Arbitrary<Framed> = payload.chain((data) => {
  const length = fc.oneof(
    { arbitrary: always(String(data.length)), weight: 18 },
    {
      arbitrary: oneOf(
        `${data.length + 1}`,
        `${Math.max(0, data.length - 1)}`,
        '0',
        '5',
        `${data.length + 40}`,
        `${data.length}0`,
      ),
      weight: 1,
    },
    { arbitrary: oddLength(data.length), weight: 1 },
  );
  return fc.record({ lines: fc.tuple(line(lengthName, length)), body: always(data) });
});

export const chunked: fc.Arbitrary<Framed> = fc.record({
  lines: fc.tuple(
    line(
      codingName,
      fc.oneof({ arbitrary: always('chunked'), weight: 16 }, { arbitrary: oddCoding, weight: 1 }),
    ),
  ),
  body: chunkedBody,
});

/** Two announcements, in one order or the other, of which at most one can be right. */
export const twice: fc.Arbitrary<Framed> = fc
  .tuple(fc.oneof(sized, chunked), fc.oneof(sized, chunked), fc.boolean())
  .map(([first, second, isTurned]) => ({
    lines: isTurned ? [...second.lines, ...first.lines] : [...first.lines, ...second.lines],
    body: first.body,
  }));

const none: fc.Arbitrary<Framed> = fc.record({
  lines: fc.constant<string[]>([]),
  body: fc.oneof({ arbitrary: always(''), weight: 60 }, { arbitrary: payload, weight: 1 }),
});

export const framed: fc.Arbitrary<Framed> = fc.oneof(
  { arbitrary: none, weight: 16 },
  { arbitrary: sized, weight: 14 },
  { arbitrary: chunked, weight: 16 },
  { arbitrary: twice, weight: 1 },
);
