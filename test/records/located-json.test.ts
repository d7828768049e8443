/** JSON with lines: the same values as JSON.parse, and the line of what is wrong or meant. */
import { test } from 'tap';
import * as fc from 'fast-check';
import { JsonViolation, readLocatedJson } from '../../proxy/records/located-json.ts';

function parses(candidate: string): boolean {
  try {
    JSON.parse(candidate);
    return true;
  } catch {
    return false;
  }
}

test('whatever JSON.stringify writes is read as JSON.parse reads it', (t) => {
  const written = fc.tuple(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2, '\t'));
  fc.assert(
    fc.property(written, ([value, space]) => {
      const text = JSON.stringify(value, undefined, space);
      t.strictSame(readLocatedJson(text).value, JSON.parse(text));
    }),
    { numRuns: 200 },
  );
  t.end();
});

test('damaged text is refused where JSON.parse refuses it, and nothing else happens', (t) => {
  const text = '{"version": 1, "backends": [{"id": "a\\u00e4", "n": -1.5e3, "t": [true, false, null, {}]}]}';
  const damaged = fc.tuple(fc.nat(text.length), fc.nat(3), fc.string({ maxLength: 3 }));
  fc.assert(
    fc.property(damaged, ([at, cut, put]) => {
      const candidate = text.slice(0, at) + put + text.slice(at + cut);
      try {
        const { value } = readLocatedJson(candidate);
        t.strictSame(value, JSON.parse(candidate), candidate);
      } catch (error) {
        if (!(error instanceof JsonViolation)) throw error;
        // A name that stands twice is all that is refused beyond.
        t.ok(!parses(candidate) || error.message.endsWith('twice'), candidate);
      }
    }),
    { numRuns: 2_000 },
  );
  t.end();
});

test('the line and the reason', (t) => {
  const rows: readonly (readonly [text: string, line: number, reason: RegExp])[] = [
    ['', 1, /^a value is missing$/],
    ['\n\n', 3, /^a value is missing$/],
    ['{\n"a": 1,\n}', 3, /the name of a member/],
    ['{\n"a": 1\n"b": 2}', 3, /^a , is missing before "b"$/],
    ['[1,\n2', 2, /^it ends too early$/],
    ['{"a"\n1}', 2, /^a : is missing before 1$/],
    ['{\n"a": 1,\n"a": 2}', 3, /^"a" stands here twice$/],
    ['{}\n{}', 2, /^something stands behind the end$/],
    ["{\n'a': 1}", 2, /^what begins with "'" is no JSON$/],
    ['[\n01]', 2, /^01 is no JSON$/],
    ['["\n"]', 1, /^what begins with "\\"" is no JSON$/],
    ['["\\q"]', 1, /is no JSON$/],
    ['['.repeat(100_000), 1, /^it is nested too deeply$/],
  ];
  for (const [text, line, reason] of rows) {
    t.throws(
      () => readLocatedJson(text),
      { code: 'json_malformed', line, message: reason },
      text.slice(0, 40),
    );
  }
  const located = readLocatedJson('{\n"a": [\n1,\n{"b":\n2}\n]\n}');
  t.strictSame(
    [[], ['a'], ['a', 0], ['a', 1], ['a', 1, 'b'], ['a', 1, 'c'], ['z']].map((path) => located.lineOf(path)),
    [1, 2, 3, 4, 5, 4, 1],
  );
  t.end();
});
