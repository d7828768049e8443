/** Failures of addresses: how many, how long, of whom, and how many addresses are remembered. */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'tap';
import { Attempts } from '../../proxy/access/attempts.ts';

test('so many failures, then a wait until the first of them is over', async (t) => {
  const attempts = new Attempts({ max: 3, windowMs: 1_500 });
  t.equal(attempts.waitSeconds('192.0.2.1'), 0, 'who has not failed is answered at once');
  for (let count = 0; count < 3; count += 1) {
    t.equal(await attempts.waitSeconds('192.0.2.1'), 0, 'it may try');
    t.equal(await attempts.failed('192.0.2.1'), 0);
  }
  t.equal(await attempts.waitSeconds('192.0.2.1'), 2, 'it may not');
  t.equal(await attempts.failed('192.0.2.1'), 2, 'and if it failed nevertheless, is told the same');
  t.equal(attempts.waitSeconds('192.0.2.2'), 0, 'others may');
  await wait(1_500);
  t.equal(await attempts.waitSeconds('192.0.2.1'), 0, 'as long as it was told is enough');
  t.equal(await attempts.failed('192.0.2.1'), 0);
});

test('a /64 of IPv6 is one address, however it is written', async (t) => {
  const attempts = new Attempts({ max: 2, windowMs: 60_000 });
  await attempts.failed('2001:db8::1');
  await attempts.failed('2001:db8:0:0:ffff::2');
  t.equal(await attempts.waitSeconds('2001:DB8::99'), 60);
  t.equal(attempts.waitSeconds('2001:db8:0:1::1'), 0);
  await attempts.failed('::ffff:192.0.2.1');
  await attempts.failed('192.0.2.1');
  t.equal(await attempts.waitSeconds('192.0.2.1'), 60);
});

test('so many addresses are remembered, those that failed last', async (t) => {
  const attempts = new Attempts({ max: 1, windowMs: 60_000, maxAddresses: 100 });
  for (let index = 0; index < 5_000; index += 1) {
    await attempts.failed(`10.0.${index >> 8}.${index & 255}`);
    if (index % 50 === 0) await attempts.failed('192.0.2.1');
  }
  t.equal(attempts.size, 100);
  t.equal(
    await attempts.waitSeconds('192.0.2.1'),
    60,
    'who goes on is not forgotten for those who came once',
  );
  t.equal(await attempts.waitSeconds('10.0.0.1'), 0);
});

test('0 is no limit, and nothing is kept', async (t) => {
  const attempts = new Attempts({ max: 0, windowMs: 60_000 });
  for (let count = 0; count < 100; count += 1) t.equal(await attempts.failed('192.0.2.1'), 0);
  t.strictSame([attempts.size, attempts.waitSeconds('192.0.2.1')], [0, 0]);
});
