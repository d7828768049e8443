/** Connections that are turned away, as the log tells of them: the first at once, the others as one number. */
import { test } from 'tap';
import { TurnedAway } from '../../proxy/turned-away.ts';
import type { Log } from '../../shared/log/log.ts';
import { HandClock } from '../transport/hand-clock.ts';

interface Line {
  readonly code: unknown;
  readonly address: unknown;
  readonly count: unknown;
}

function watched(): { turnedAway: TurnedAway; clock: HandClock; lines: Line[] } {
  const lines: Line[] = [];
  const log: Pick<Log, 'warn'> = {
    warn: (fields: unknown) => {
      const { code, address, count } = Object(fields);
      lines.push({ code, address, count });
    },
  };
  const clock = new HandClock();
  return { turnedAway: new TurnedAway(log, clock), clock, lines };
}

test('one alone is one line, and nothing follows', async (t) => {
  const { turnedAway, clock, lines } = watched();
  turnedAway.note('too_many_connections', '192.0.2.1');
  t.same(lines, [{ code: 'too_many_connections', address: '192.0.2.1', count: undefined }]);
  clock.advance(60_000);
  t.equal(lines.length, 1);
  t.equal(clock.waitingCount, 0, 'no timer is left');
});

test('a flood is its first at once and its others as a number, also when it has ended', async (t) => {
  const { turnedAway, clock, lines } = watched();
  for (let index = 0; index < 5_000; index += 1)
    turnedAway.note('too_many_connections', `192.0.2.${index % 256}`);
  t.equal(lines.length, 1);
  clock.advance(10_000);
  t.same(
    lines[1],
    { code: 'too_many_connections', address: '192.0.2.135', count: 4_999 },
    'with the last address',
  );
  clock.advance(60_000);
  t.equal(lines.length, 2, 'and then it is quiet');
});

test('a flood without end is one line in ten seconds', async (t) => {
  const { turnedAway, clock, lines } = watched();
  for (let second = 0; second < 60; second += 1) {
    for (let index = 0; index < 100; index += 1) turnedAway.note('too_many_connections', '192.0.2.1');
    clock.advance(1_000);
  }
  clock.advance(10_000);
  const told = lines.reduce((sum, { count }) => sum + (typeof count === 'number' ? count : 1), 0);
  t.equal(told, 6_000, 'none is forgotten');
  t.ok(lines.length <= 8, `${lines.length} lines`);
});

test('each code has a line of its own', async (t) => {
  const { turnedAway, clock, lines } = watched();
  turnedAway.note('too_many_connections', '192.0.2.1');
  turnedAway.note('proxy_head_missing', '10.0.0.1');
  turnedAway.note('proxy_head_missing', '10.0.0.2');
  t.same(
    lines.map(({ code }) => code),
    ['too_many_connections', 'proxy_head_missing'],
  );
  clock.advance(10_000);
  t.same(lines.slice(2), [{ code: 'proxy_head_missing', address: '10.0.0.2', count: 1 }]);
});

test('after a quiet time the next one is told at once', async (t) => {
  const { turnedAway, clock, lines } = watched();
  turnedAway.note('too_many_connections', '192.0.2.1');
  clock.advance(10_000);
  turnedAway.note('too_many_connections', '192.0.2.2');
  t.same(lines[1], { code: 'too_many_connections', address: '192.0.2.2', count: undefined });
});
