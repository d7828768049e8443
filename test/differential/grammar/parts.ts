/** Small words for grammars that are right most of the time and wrong on purpose the rest of it. */
import * as fc from 'fast-check';

export type Text = fc.Arbitrary<string>;

/** Usually the one; the other once in twice `oneIn` times. A request has some forty places for it. */
export function mostly(usual: Text, odd: Text, oneIn = 50): Text {
  return fc.oneof({ arbitrary: usual, weight: 2 * oneIn - 1 }, { arbitrary: odd, weight: 1 });
}

export function oneOf(...texts: readonly string[]): Text {
  return fc.constantFrom(...texts);
}

export function always(text: string): Text {
  return fc.constant(text);
}

/** The parts one after the other. */
export function sequence(...parts: readonly Text[]): Text {
  return fc.tuple(...parts).map((texts) => texts.join(''));
}

/** Line ends: CRLF, and all that somebody may take for one. */
export const lineEnd = mostly(
  always('\r\n'),
  oneOf(
    '\n',
    '\r',
    '\r\r\n',
    '\n\r',
    '\n\n',
    '\r\n ',
    '\r\n\t',
    '\r\n\r',
    ' \r\n',
    '\t\r\n',
    '\0\r\n',
    '\v\r\n',
    '\f\r\n',
    '',
    '\x8d\x8a',
    '\x0d\x8a',
    '\x85',
    '\r\n\r\n',
    '\u001c',
    '\xe2\x80\xa8',
  ),
  120,
);

/** Bytes that parsers have been known to trip over. */
const oddBytes =
  '\0\x01\x08\t\n\v\f\r\x1a\x1c\x1e\x1f "#%&\'()*+,-./0:;<=>?@[\\]^_`{|}~\x7f\x80\x85\x8a\x8d\xa0\xad\xb2\xff';

export const oddByte: Text = fc.constantFrom(...Array.from(oddBytes));

/** Text of bytes that may stand in a value, high ones among them. */
export const valueText: Text = fc
  .array(
    fc.oneof(
      fc.constantFrom(...Array.from('aZ09 \t,;="\\/()<>@[]?{}')),
      fc.nat(127).map((code) => String.fromCharCode(128 + code)),
    ),
    {
      maxLength: 12,
    },
  )
  .map((chars) => chars.join(''));
