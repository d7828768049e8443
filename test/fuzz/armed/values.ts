/** Values and texts of every kind that JSON and a field can hold, and words with a bit of them changed. It knows no protocol. */
import type { Random } from '../random.ts';

export const texts: readonly string[] = [
  '',
  ' ',
  'x',
  '0',
  '%',
  '%00',
  '%2f',
  '%zz',
  '%ff%fe',
  '/',
  '//x',
  '/\\x',
  '*',
  '..',
  'a..b',
  '$&',
  "'",
  '"',
  ',',
  ';',
  '=',
  ':',
  '\t',
  '\u00e4',
  '\u0080',
  '\u00ff',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  'NaN',
  'http://',
  'http://[',
  'https://x:99999/',
  'javascript:0',
  'data:,x',
  '[::1]',
  '[::ffff:1.2.3.4]',
  '999.999.999.999',
  '0x7f.1',
  'xn--',
  'a@b',
  '-1',
  '1e400',
  '99999999999999999999',
  '1970-01-01T00:00:00Z',
];

/** What JSON can hold and a field of bytes cannot. */
const wideTexts: readonly string[] = [
  '\u0000',
  '\r\nx: y',
  '\u{1f600}',
  '\ud800',
  '\u202e',
  '\u2028',
  'ſ',
  'İ',
];

export function oddText(random: Random): string {
  const text = random.pick(texts);
  switch (random.below(8)) {
    case 0:
      return text.repeat(1 + random.below(1 << random.below(12)));
    case 1:
      return text + oddText(random);
    default:
      return text;
  }
}

/** Bytes that can stand within a field's value, as latin1. */
export function fieldText(random: Random): string {
  return oddText(random)
    .replaceAll(/[\r\n\0]/g, '')
    .slice(0, 12_000);
}

const numbers: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  1e9,
  4e9,
  2 ** 53,
  -(2 ** 53),
  8.64e15,
  1e21,
  1e308,
  -1e308,
];

/** A JSON value of any type. */
export function oddValue(random: Random, depth = 0): unknown {
  switch (random.below(depth > 3 ? 6 : 9)) {
    case 0:
      return null;
    case 1:
      return random.below(2) === 0;
    case 2:
      return random.pick(numbers);
    case 3:
      return random.pick(wideTexts) + oddText(random);
    case 4:
    case 5:
      return oddText(random);
    case 6:
      return Array.from({ length: random.below(4) }, () => oddValue(random, depth + 1));
    case 7: {
      const pairs = Array.from(
        { length: random.below(4) },
        () => [oddText(random), oddValue(random, depth + 1)] as const,
      );
      return Object.fromEntries(pairs);
    }
    default:
      return [[[[[[[[]]]]]]]];
  }
}

/** The same object with some of its members gone, of another type, or twice as long; and with one more. */
export function oddObject(
  random: Random,
  honest: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const changed: Record<string, unknown> = { ...honest };
  const names = Object.keys(honest);
  for (let changes = random.below(4); changes > 0; changes -= 1) {
    const name = random.below(6) === 0 || names.length === 0 ? oddText(random) : random.pick(names);
    if (random.below(5) === 0) Reflect.deleteProperty(changed, name);
    else changed[name] = random.below(4) === 0 ? [changed[name]] : oddValue(random);
  }
  return changed;
}

/** A text with a few of its characters lost, doubled, or another's. */
export function mutated(random: Random, text: string): string {
  let changed = text;
  for (let changes = random.below(4); changes > 0; changes -= 1) {
    const at = random.below(changed.length + 1);
    const cut = random.below(3);
    const between = random.below(2) === 0 ? '' : fieldText(random).slice(0, 40);
    changed = changed.slice(0, at) + between + changed.slice(at + cut);
  }
  return changed;
}

/** A JSON text, and now and then one that only looks so. */
export function jsonText(random: Random, value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  switch (random.below(12)) {
    case 0:
      return mutated(random, text);
    case 1:
      return text.slice(0, random.below(text.length));
    default:
      return text;
  }
}
