/** The room's parts: distributions, bounded names, one reading a turn, and their exposition as text. */
import { test } from 'tap';
import { BoundedNames, otherName } from '../../shared/metrics/bounded-names.ts';
import { Distribution } from '../../shared/metrics/distribution.ts';
import { Exposition } from '../../shared/metrics/exposition.ts';
import { counter, gauge, histogram, rowsOf, single } from '../../shared/metrics/metric.ts';
import { oncePerTurn } from '../../shared/metrics/once-per-turn.ts';
import { processMetrics } from '../../shared/metrics/process-metrics.ts';
import { readExposition, valueOf } from '../admin/support/exposition.ts';

test('a distribution counts each value under every bound that it does not exceed', (t) => {
  const distribution = new Distribution([0.1, 1]);
  for (const value of [0, 0.1, 0.100_001, 1, 1.5, Infinity, Number.NaN, -1]) distribution.add(value);
  t.strictSame(distribution.cumulative(), [
    [0.1, 3],
    [1, 5],
    [Infinity, 7],
  ]);
  const finite = new Distribution([1]);
  for (const value of [0.25, 4]) finite.add(value);
  t.equal(finite.sum, 4.25);
  t.strictSame(new Distribution([]).cumulative(), [[Infinity, 0]]);
  t.end();
});

test('a thousand names get the room there is, the first ones their own, the rest one together', (t) => {
  const names = new BoundedNames(3, () => ({ count: 0 }));
  for (const round of [1, 2]) {
    for (let n = 0; n < 1_000; n += 1) names.of(`name-${n}`).count += round;
  }
  t.strictSame(
    names.entries().map(([label, { count }]) => [label, count]),
    [
      ['name-0', 3],
      ['name-1', 3],
      ['name-2', 3],
      [otherName, 997 * 3],
    ],
  );
  t.strictSame(
    [names.labelOf('name-1'), names.labelOf('name-999'), names.labelOf('new')],
    ['name-1', otherName, otherName],
  );
  const empty = new BoundedNames(1, () => 0);
  t.strictSame(empty.entries(), []);
  t.equal(empty.labelOf('first'), 'first');
  t.strictSame(empty.entries(), [['first', 0]]);
  t.end();
});

test('what is asked in one turn is read once', async (t) => {
  let reads = 0;
  const read = oncePerTurn(() => (reads += 1));
  t.strictSame([read(), read()], [1, 1]);
  await Promise.resolve();
  t.strictSame([read(), read()], [2, 2]);
  let isNothing = 0;
  const nothing = oncePerTurn(() => {
    isNothing += 1;
    return undefined;
  });
  nothing();
  nothing();
  t.equal(isNothing, 1, 'undefined is a value too');
});

test('the text: every kind, labels with anything in them, rows that add up, and no row for what is not known', async (t) => {
  const distribution = new Distribution([0.005, 0.5, 60]);
  for (const value of [0.001, 0.25, 61]) distribution.add(value);
  let known: number | undefined = 5;
  const exposition = new Exposition([
    counter('a_total', ['code', 'by'], 'With "quotes", \\ and\nlines.', () => [
      [['x"\\\n', 'y'], 1],
      [['z', 'y'], 2],
      [['z', 'y'], 3],
    ]),
    gauge('b', [], 'Known or not.', () => single(known)),
    gauge('c', ['k'], 'None.', () => []),
    histogram('d_seconds', ['backend'], 'Time.', () => rowsOf([['shop', distribution]])),
    gauge('e', [], 'Read in its own time.', async () => {
      await Promise.resolve();
      return single(-1);
    }),
  ]);
  const families = readExposition(await exposition.text());
  t.strictSame([...families.keys()], ['a_total', 'b', 'c', 'd_seconds', 'e']);
  t.equal(families.get('a_total')?.help, 'With "quotes", \\ and\nlines.');
  t.equal(valueOf(families, 'a_total', { code: 'x"\\\n', by: 'y' }), 1);
  t.equal(valueOf(families, 'a_total', { code: 'z', by: 'y' }), 5);
  t.strictSame(families.get('c')?.series, []);
  t.equal(valueOf(families, 'd_seconds_bucket', { backend: 'shop', le: '0.5' }), 2);
  t.equal(valueOf(families, 'd_seconds_sum', { backend: 'shop' }), 61.251);
  t.equal(valueOf(families, 'e'), -1);
  known = undefined;
  distribution.add(1);
  const later = readExposition(await exposition.text());
  t.strictSame(later.get('b')?.series, [], 'what is not known any more');
  t.equal(valueOf(later, 'd_seconds_count', { backend: 'shop' }), 4);
  t.equal(valueOf(later, 'a_total', { code: 'z', by: 'y' }), 5, 'read anew, not added to');
});

test('a metric that cannot be read fails the whole answer, and the next one is whole again', async (t) => {
  let isBroken = true;
  const exposition = new Exposition([
    gauge('a', [], 'Broken at first.', () => {
      if (isBroken) throw new Error('broken');
      return single(1);
    }),
  ]);
  await t.rejects(exposition.text(), { message: 'broken' });
  isBroken = false;
  t.equal(valueOf(readExposition(await exposition.text()), 'a'), 1);
});

test('the process says what it is and how it does', async (t) => {
  const exposition = new Exposition(processMetrics());
  const first = readExposition(await exposition.text());
  t.strictSame(
    first.get('nodejs_eventloop_lag_max_seconds')?.series,
    [],
    'measured from the first question on',
  );
  t.ok(Math.abs(valueOf(first, 'process_start_time_seconds') - Date.now() / 1_000) < 600);
  t.ok(valueOf(first, 'process_resident_memory_bytes') > 10_000_000);
  if (process.platform === 'linux') {
    t.ok(valueOf(first, 'process_open_fds') >= 3);
    t.ok(valueOf(first, 'process_max_fds') >= valueOf(first, 'process_open_fds'));
  }
  // The loop is held up for a while, and looks at its clock before and after.
  const lateMs = 150;
  await new Promise((resolve) => setTimeout(resolve, 60));
  const untilMs = performance.now() + lateMs;
  while (performance.now() < untilMs);
  await new Promise((resolve) => setTimeout(resolve, 60));
  const second = readExposition(await exposition.text());
  const worst = valueOf(second, 'nodejs_eventloop_lag_max_seconds');
  t.ok(worst > 0.1 && worst < 30, `held up for ${lateMs} ms, seen as ${worst} s`);
  t.ok(valueOf(second, 'nodejs_eventloop_lag_p50_seconds') <= worst);
  for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_active_seconds_total'])
    t.ok(valueOf(second, name) > valueOf(first, name), name);
});
