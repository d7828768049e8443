/** What an agent learns of how long its backend keeps idle connections. */
import { test } from 'tap';
import { IdleLife } from '../../agent/backend/idle-life.ts';

test('a backend that has ended none is trusted', (t) => {
  const life = new IdleLife();
  t.equal(life.safeMs, Infinity);
  life.noteAlive(5_000, 5_000);
  t.equal(life.safeMs, Infinity);
  t.end();
});

test('a backend that ends one is believed, until others live longer', (t) => {
  const life = new IdleLife();
  life.noteEnd(100, 0);
  t.equal(life.safeMs, 50);
  life.noteEnd(5_000, 10);
  t.equal(life.safeMs, 50, 'a late end says nothing of a longer life');
  life.noteEnd(1, 1_000);
  t.equal(life.safeMs, 20, 'a restart, in which all end');
  life.noteAlive(1_000, 10_999);
  t.equal(life.safeMs, 20, 'its end may not have been told yet');
  life.noteAlive(1_000, 11_000);
  t.equal(life.safeMs, 500);
  life.noteAlive(900, 11_001);
  t.equal(life.safeMs, 500, 'the longest counts');
  t.end();
});
