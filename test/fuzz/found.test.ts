/** What was once found stays mended; and a short hunt in each target, the same every time, so that a bug on the surface is seen at once. */
import { test } from 'tap';
import { CaseMaker, MAX_CASE_BYTES } from './cases.ts';
import { foundRows } from './found.ts';
import { replay } from './hunt.ts';
import { targets } from './targets.ts';

const SEED = 1;
/** About half a second each. */
const CASES: Readonly<Record<string, number>> = { mux: 400, head: 5_000, body: 8_000, control: 8_000 };

test('what was found once', async (t) => {
  const rows = foundRows();
  // Each in a thread of its own, since one that does not return must not take this one with it.
  const outcomes = await Promise.all(
    rows.map(({ target, base64 }) => replay(target, Buffer.from(base64, 'base64'))),
  );
  for (const [index, { target, what }] of rows.entries())
    t.equal(outcomes[index], undefined, `${target}: ${what}`);
  t.pass(`${rows.length} rows`);
});

for (const target of targets) {
  test(`${target.name}: the first cases of seed ${SEED}`, (t) => {
    const maker = new CaseMaker(target, SEED);
    const count = CASES[target.name] ?? 0;
    t.ok(count > 0, `${count} cases`);
    for (let played = 0; played < count; played++) {
      const bytes = maker.next();
      try {
        target.play(bytes);
      } catch (error) {
        t.fail(`case ${played}: ${error instanceof Error ? error.message : ''}`, {
          base64: Buffer.from(bytes).toString('base64'),
        });
        break;
      }
    }
    t.end();
  });

  test(`${target.name}: a seed makes the same cases again, and none that is too long`, (t) => {
    const [one, other, else_] = [
      new CaseMaker(target, 7),
      new CaseMaker(target, 7),
      new CaseMaker(target, 8),
    ];
    let differing = 0;
    for (let made = 0; made < 200; made++) {
      const bytes = Buffer.from(one.next());
      if (!bytes.equals(other.next())) t.fail('another case');
      if (!bytes.equals(else_.next())) differing++;
      if (bytes.length > MAX_CASE_BYTES) t.fail('too long');
    }
    t.ok(differing > 100, `${differing} of 200 differ for another seed`);
    t.end();
  });
}
