/** What happens to a whole message on top of its grammar: a byte changed, the end missing, cut into pieces. */
import * as fc from 'fast-check';
import type { Cuts } from '../case.ts';
import { oddByte, type Text } from './parts.ts';

/** Even over the message: a double would nearly always be next to 0. */
const place = fc.nat(9_999).map((part) => part / 10_000);

interface Change {
  readonly place: number;
  readonly kind: 'replace' | 'insert' | 'delete' | 'double';
  readonly byte: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  place,
  kind: fc.constantFrom('replace', 'insert', 'delete', 'double'),
  byte: oddByte,
});

function apply(message: string, { place: where, kind, byte }: Change): string {
  const at = Math.floor(where * message.length);
  const [head, here, tail] = [message.slice(0, at), message.slice(at, at + 1), message.slice(at + 1)];
  switch (kind) {
    case 'replace':
      return `${head}${byte}${tail}`;
    case 'insert':
      return `${head}${byte}${here}${tail}`;
    case 'delete':
      return `${head}${tail}`;
    case 'double':
      return `${head}${here}${here}${tail}`;
    default:
      return kind satisfies never;
  }
}

/** The message, sometimes with a byte or two changed, sometimes without its end. Never empty. */
export function damaged(message: Text): Text {
  return fc
    .tuple(
      message,
      fc.oneof(
        { arbitrary: fc.constant([]), weight: 3 },
        { arbitrary: fc.array(change, { minLength: 1, maxLength: 2 }), weight: 1 },
      ),
      fc.oneof({ arbitrary: fc.constant(1), weight: 15 }, { arbitrary: place, weight: 1 }),
    )
    .map(([text, changes, end]) => changes.reduce(apply, text.slice(0, Math.ceil(end * text.length))))
    .filter((text) => text.length > 0);
}

export const cuts: fc.Arbitrary<Cuts> = fc.oneof(
  { arbitrary: fc.constant('whole' as const), weight: 10 },
  { arbitrary: fc.constant('bytes' as const), weight: 1 },
  { arbitrary: fc.array(place, { minLength: 1, maxLength: 6 }), weight: 6 },
);
