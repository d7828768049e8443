/** What the bench makes of what it has seen: medians, ratios round by round, verdicts, and the processor time of whole process trees. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'tap';
import { processTree } from '../../bench/machine/process-tree.ts';
import { ProcessorMeter } from '../../bench/machine/processor-time.ts';
import { readMemory } from '../../bench/machine/memory.ts';
import { goals, judge } from '../../bench/reach.ts';
import { rows } from '../../bench/rows/rows.ts';
import type { Row, Sample } from '../../bench/rows/row.ts';
import type { RowOutcome } from '../../bench/run.ts';
import { ratioOf, spreadOf } from '../../bench/statistics.ts';

test('medians with the least and the most', async (t) => {
  t.same(spreadOf([3, 1, 2]), { median: 2, min: 1, max: 3 });
  t.same(spreadOf([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
  t.same(spreadOf([5]), { median: 5, min: 5, max: 5 });
  t.equal(spreadOf([]), undefined);
});

test('ratios are of pairs, and a round that lacks a side is left out', async (t) => {
  t.same(ratioOf([2, 30, 8], [1, 10, 2]), { median: 3, min: 2, max: 4 });
  t.same(ratioOf([2, undefined, 8], [1, 10, 4]), { median: 2, min: 2, max: 2 });
  t.equal(ratioOf([1], [0]), undefined);
});

function outcomeOf(name: string, samples: Readonly<Record<string, readonly Sample[]>>): RowOutcome {
  const row = rows.find((it: Row) => it.name === name);
  if (row === undefined) throw new Error(`no row ${name}`);
  const outcomes = Object.entries(samples).map(([target, of]) => ({
    target,
    samples: of,
    remark: undefined,
    hasFailed: false,
  }));
  return { row, outcomes };
}

test('every goal is of rows that there are', async (t) => {
  const names = new Set(rows.map(({ name }) => name));
  t.equal(names.size, rows.length, 'no name stands twice');
  t.strictSame(
    goals.flatMap((goal) => goal.rows).filter((name) => !names.has(name)),
    [],
  );
});

test('verdicts: at most, at least, the best of several rows, outright, and not measured', async (t) => {
  const verdicts = judge([
    outcomeOf('small-64', {
      nginx: [{ figure: 100, cpuUs: 10 }],
      ours: [{ figure: 80, cpuUs: 15 }],
    }),
    outcomeOf('down-1', { nginx: [{ figure: 100 }], ours: [{ figure: 60 }] }),
    outcomeOf('down-1-tls', { nginx: [{ figure: 50 }], ours: [{ figure: 40 }] }),
    outcomeOf('memory-idle', { ours: [{ figure: 111 }] }),
  ]);
  const said = new Map(verdicts.map(({ goal, ours, isReached }) => [goal.title, [ours?.median, isReached]]));
  t.same(said.get('processor time a small request, 64 connections'), [1.5, true]);
  t.same(said.get('requests a second, 64 connections'), [0.8, false]);
  t.same(said.get('1 GiB down, one stream, plain or TLS: rate'), [0.8, true]);
  t.same(said.get('idle memory, both programs'), [111, false]);
  t.same(said.get('1 GiB up: rate'), [undefined, undefined]);
});

/** Burns processor time, and as much again when it is told to; says what that was by its own account, and stays. */
const burner = `
  const burn = () => {
    const before = process.cpuUsage();
    for (;;) {
      for (let i = 0; i < 1e5; i++) Math.sqrt(i);
      const { user, system } = process.cpuUsage(before);
      if (user + system > 300_000) return user + system;
    }
  };
  process.stdin.once('data', () => console.log(burn()));
  burn();
  console.log('ready');`;

test(
  'the processor time and the memory of a process are seen by its parent',
  { skip: skipped() },
  async (t) => {
    // A shell in between: what is measured is a grandchild.
    const shell = spawn('sh', ['-c', '"$0" -e "$1"; exit', process.execPath, burner], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    const { pid = 0 } = shell;
    t.teardown(() => process.kill(-pid, 'SIGKILL'));
    const lines = createInterface({ input: shell.stdout });
    await once(lines, 'line');
    t.equal(processTree([pid]).length, 2);
    const meter = new ProcessorMeter([pid]);
    shell.stdin.write('go\n');
    const [line]: unknown[] = await once(lines, 'line');
    const { us, systemShare } = meter.read();
    const ownUs = Number(line);
    t.ok(Math.abs(us - ownUs) < 0.2 * ownUs, `${us} µs, ${ownUs} µs by its own account`);
    t.ok(systemShare >= 0 && systemShare < 0.5, `${systemShare} of it in the kernel`);
    const { rssBytes, pssBytes } = readMemory([pid]);
    t.ok(rssBytes > 20_000_000 && pssBytes > 0 && pssBytes <= rssBytes, `Rss ${rssBytes}, Pss ${pssBytes}`);
  },
);

function skipped(): string | false {
  return process.platform === 'linux' ? false : 'the bench reads /proc';
}
