/** The tests' own reader of the text format: that it reads what is right, and that every single fault is one. */
import { test } from 'tap';
import { readExposition, valueOf } from '../admin/support/exposition.ts';

const good = `# HELP a_total Things\\nof "a" \\\\ kind.
# TYPE a_total counter
a_total{code="x\\"\\\\\\n",by="y"} 3
a_total{code="z",by="y"} 0.5

# HELP b How it is.
# TYPE b gauge
b -1.5e+3

# HELP c_seconds Time.
# TYPE c_seconds histogram
c_seconds_bucket{le="0.1",k="v"} 1
c_seconds_bucket{le="+Inf",k="v"} 2
c_seconds_sum{k="v"} 7.25
c_seconds_count{k="v"} 2
`;

test('what is right is read', (t) => {
  const families = readExposition(good);
  t.strictSame(
    [...families.values()].map(({ name, type, help }) => [name, type, help]),
    [
      ['a_total', 'counter', 'Things\nof "a" \\ kind.'],
      ['b', 'gauge', 'How it is.'],
      ['c_seconds', 'histogram', 'Time.'],
    ],
  );
  t.equal(valueOf(families, 'a_total', { by: 'y', code: 'x"\\\n' }), 3);
  t.equal(valueOf(families, 'b'), -1_500);
  t.equal(valueOf(families, 'c_seconds_bucket', { k: 'v', le: '+Inf' }), 2);
  t.throws(() => valueOf(families, 'b', { k: 'v' }), { message: /no series/ });
  t.end();
});

const faults: readonly (readonly [what: string, from: string, to: string])[] = [
  ['no line feed at the end', 'c_seconds_count{k="v"} 2\n', 'c_seconds_count{k="v"} 2'],
  ['an empty line at the end', 'c_seconds_count{k="v"} 2\n', 'c_seconds_count{k="v"} 2\n\n'],
  ['a type nobody knows', 'b gauge', 'b gauges'],
  ['no help', '# HELP b How it is.\n', ''],
  ['no type', '# TYPE b gauge\n', ''],
  ['the type of another', '# TYPE b gauge', '# TYPE d gauge'],
  ['a family twice', '# HELP b How it is.', '# HELP a_total How it is.'],
  ['a comment', '# TYPE b gauge', '# TYPE b gauge\n# note'],
  ['a sample of another family', 'b -1.5e+3', 'd 1'],
  ['a series twice', 'b -1.5e+3', 'b 1\nb 2'],
  ['a series twice in another order', 'a_total{code="z",by="y"} 0.5', 'a_total{by="y",code="x\\"\\\\\\n"} 0'],
  ['no number', 'b -1.5e+3', 'b one'],
  ['a number as hex', 'b -1.5e+3', 'b 0x1'],
  ['a name for no number', 'b -1.5e+3', 'b Nan'],
  ['NaN', 'b -1.5e+3', 'b NaN'],
  ['a timestamp', 'b -1.5e+3', 'b 1 1700000000000'],
  ['two blanks', 'b -1.5e+3', 'b  1'],
  ['a bad name', 'b -1.5e+3', 'b-c 1'],
  ['a bad label', 'code="z"', 'co-de="z"'],
  ['a reserved label', 'code="z"', '__code="z"'],
  ['a label twice', 'code="z"', 'by="z"'],
  ['a label without quotes', 'code="z"', 'code=z'],
  ['an unknown escape', 'code="z"', 'code="\\t"'],
  ['a comma at the end', 'by="y"} 0.5', 'by="y",} 0.5'],
  ['other labels in one family', 'a_total{code="z",by="y"}', 'a_total{code="z"}'],
  ['a negative counter', '{code="z",by="y"} 0.5', '{code="z",by="y"} -1'],
  ['a counter without _total', 'b gauge', 'b counter'],
  ['a gauge with _total', 'a_total counter', 'a_total gauge'],
  ['no +Inf', 'c_seconds_bucket{le="+Inf",k="v"} 2\n', ''],
  ['bounds out of order', 'le="0.1"', 'le="+Inf"'],
  ['counts that shrink', 'c_seconds_bucket{le="0.1",k="v"} 1', 'c_seconds_bucket{le="0.1",k="v"} 3'],
  ['a count of its own', 'c_seconds_count{k="v"} 2', 'c_seconds_count{k="v"} 3'],
  ['no sum', 'c_seconds_sum{k="v"} 7.25\n', ''],
];

test('every fault alone is refused', (t) => {
  for (const [what, from, to] of faults) {
    const bad = good.replace(from, () => to);
    t.not(bad, good, `${what} is in the text`);
    t.throws(() => readExposition(bad), Error, what);
  }
  t.end();
});
