/** The judge of the chaos run, given runs that are made up: a good one passes, and each fault is found by its name. */
import { test } from 'tap';
import { judge, memoryTable, type RunFacts } from './judge.ts';
import { type Outcome, outcomeOf, outcomeOfStatus, right, type Verdict } from './outcome.ts';
import { outcomeOfClose } from './load/sockets.ts';
import { readOptions } from './options.ts';
import { Tally } from './tally.ts';

function tallyOf(...outcomes: readonly Verdict[]): Tally {
  const tally = new Tally(['small']);
  for (const verdict of ['right', ...outcomes] as const) tally.add('small', { verdict, detail: 'made up' });
  return tally;
}

function memoryOf(afterBytes: number): RunFacts['memory'] {
  return [{ name: 'proxy A', beforeBytes: 100e6, afterBytes, wasRestarted: false }];
}

const good: RunFacts = {
  isGraceful: false,
  tally: tallyOf('told', 'broken'),
  calm: tallyOf(),
  memory: memoryOf(120e6),
  faults: [],
  backendFaults: 0,
};

const rows: readonly { what: string; facts: Partial<RunFacts>; found: string[] }[] = [
  { what: 'a good run, with what is broken visibly', facts: {}, found: [] },
  { what: 'short', facts: { tally: tallyOf('short') }, found: ['1 short'] },
  { what: 'hung', facts: { tally: tallyOf('hung', 'hung') }, found: ['2 hung'] },
  { what: 'wrong', facts: { tally: tallyOf('wrong') }, found: ['1 wrong'] },
  { what: 'a graceful run with something broken', facts: { isGraceful: true }, found: ['1 broken'] },
  {
    what: 'a graceful run in which WebSockets were told to go',
    facts: { isGraceful: true, tally: tallyOf('told') },
    found: [],
  },
  {
    what: 'broken when all was back',
    facts: { calm: tallyOf('broken') },
    found: ['1 broken after the trouble'],
  },
  {
    what: 'memory beyond 20 %',
    facts: { memory: memoryOf(121e6) },
    found: ['proxy A grew from 100.0 MB to 121.0 MB'],
  },
  {
    what: 'memory that nobody could read',
    facts: { memory: memoryOf(Number.NaN) },
    found: ['proxy A grew from 100.0 MB to NaN MB'],
  },
  { what: 'a program that ended', facts: { faults: ['agent A1 ended'] }, found: ['agent A1 ended'] },
  {
    what: 'uploads cut in silence',
    facts: { backendFaults: 3 },
    found: ['3 uploads came to a clean end at the backend before their end'],
  },
  {
    what: 'a load of which nothing came through',
    facts: { tally: new Tally(['small']) },
    found: ['small: not one right answer'],
  },
];

for (const { what, facts, found } of rows) {
  test(`judged: ${what}`, async (t) => t.strictSame(judge({ ...good, ...facts }), found));
}

test('what a client has got becomes a verdict', async (t) => {
  const sent = Buffer.from('0123456789');
  const proxyStatus = 'proxy-1; error=connection_terminated; details="agent_lost"';
  const answer = (status: number, body: string, ...lines: string[]): Outcome =>
    outcomeOf(
      { startLine: '', lines, status, framing: 'sized', body: Buffer.from(body), trailers: [] },
      sent,
    );
  t.strictSame(answer(200, '0123456789'), right);
  t.equal(answer(200, '01234').verdict, 'short');
  t.equal(answer(200, '').verdict, 'short');
  t.equal(answer(200, '0123456780').verdict, 'wrong');
  t.equal(answer(200, '01234567890').verdict, 'wrong', 'longer than it was');
  t.strictSame(answer(502, 'sorry', `Proxy-Status: ${proxyStatus}`), {
    verdict: 'broken',
    detail: '502 agent_lost',
  });
  t.equal(answer(502, 'sorry').verdict, 'wrong', 'without a word of ours');
  t.equal(outcomeOfStatus(404, proxyStatus).verdict, 'wrong', 'the backend is known');
});

test('the end of a WebSocket becomes a verdict', async (t) => {
  const reason = Buffer.from('the proxy restarts');
  t.equal(outcomeOfClose(1012, reason, false).verdict, 'told');
  t.equal(outcomeOfClose(1012, Buffer.alloc(0), false).verdict, 'wrong', 'without a reason');
  t.equal(outcomeOfClose(1000, Buffer.alloc(0), true).verdict, 'right');
  t.equal(outcomeOfClose(1000, Buffer.alloc(0), false).verdict, 'short', 'nobody had a reason to end it');
  t.equal(outcomeOfClose(1006, Buffer.alloc(0), false).verdict, 'broken');
});

test('the table of memory says how each was held', async (t) => {
  t.match(memoryTable(memoryOf(110e6)).join('\n'), /proxy A +100\.0 MB +110\.0 MB +110 %$/);
});

const seed = (): number => 7;

test('the command line', async (t) => {
  t.strictSame(readOptions([], seed), { seconds: 300, seed: 7, isGraceful: false });
  t.strictSame(readOptions(['--seconds', '30', '--seed', '1', '--graceful-only'], seed), {
    seconds: 30,
    seed: 1,
    isGraceful: true,
  });
  t.throws(() => readOptions(['--seconds', 'soon'], seed), /--seconds is a whole number/);
  t.throws(() => readOptions(['--fast'], seed));
});
