/**
 * The bench in its shortest form, so that it does not rot: it starts what it needs, measures two targets, says the figures of both, and
 * leaves nothing behind. How large the figures are is not looked at: other tests run beside it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { toolPath, Unavailable } from '../../bench/machine/tools.ts';
import type { Tool } from '../../bench/machine/tools.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const tools: readonly Tool[] = ['wrk', 'curl', 'nginx'];

/** Why the bench cannot run here. */
function missing(): string | undefined {
  try {
    tools.map(toolPath);
    return undefined;
  } catch (error) {
    if (error instanceof Unavailable) return error.message;
    throw error;
  }
}

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs it as `npm run bench` does. */
async function bench(args: readonly string[]): Promise<Ended> {
  // The runner's hooks have no business in what is measured: see test/unhooked.ts.
  const argv = ['-c', 'unset NODE_OPTIONS; exec "$@"', 'sh', process.execPath, 'bench/main.ts', ...args];
  const child = spawn('sh', argv, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code]: unknown[] = await once(child, 'close');
  return { code: typeof code === 'number' ? code : null, output };
}

/** Command lines of processes that name one of the run's folders. */
async function leftProcesses(folders: readonly string[]): Promise<string[]> {
  const entries = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry));
  const lines = await Promise.all(
    entries.map((pid) => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')),
  );
  return lines.filter((line) => folders.some((folder) => line.includes(folder)));
}

const reason = missing();

test('one row of two targets', reason === undefined ? {} : { skip: reason }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-test-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'report.json');
  const args = ['--quick', '--rows', 'small-16', '--targets', 'direct,ours', '--json', file];
  const { code, output } = await bench(args);
  t.equal(code, 0, output);
  t.match(output, /^\| small-16: .* \| direct +\| [\d.]+ req\/s +\|/m);
  t.match(output, /^\| +\| ours +\| [\d.]+ req\/s +\|.*\| [\d.]+ µs a request +\|/m);
  const report: Report = JSON.parse(await readFile(file, 'utf8'));
  const [direct, ours] = report.results[0]?.outcomes ?? [];
  for (const outcome of [direct, ours]) {
    const [sample] = outcome?.samples ?? [];
    t.ok((sample?.figure ?? 0) > 0, `${outcome?.target} answers`);
    t.ok((sample?.p99Ms ?? 0) >= (sample?.p50Ms ?? Infinity), 'p99 is not below p50');
  }
  t.equal(direct?.samples[0]?.cpuUs, undefined, 'nothing stands between');
  // The system calls of two hops cannot be had for less, and a tenth of a second a request would be no measurement.
  const cpuUs = ours?.samples[0]?.cpuUs ?? 0;
  t.ok(cpuUs > 5 && cpuUs < 100_000, `${cpuUs} µs of processor time a request`);
  t.match(report.folder, /bench-/);
  t.strictSame(await leftProcesses([report.folder]), [], 'no process is left');
  await t.rejects(readdir(report.folder), { code: 'ENOENT' }, 'nor a file');
});

interface Report {
  readonly folder: string;
  readonly results: readonly {
    readonly outcomes: readonly {
      readonly target: string;
      readonly samples: readonly {
        readonly figure: number;
        readonly p50Ms?: number;
        readonly p99Ms?: number;
        readonly cpuUs?: number;
      }[];
    }[];
  }[];
}

const mistakes: readonly [args: readonly string[], says: RegExp][] = [
  [['--rows', 'smal-1'], /^--rows: there is no smal-1, but small-1, /],
  [['--targets', 'ngnix'], /^--targets: there is no ngnix, but direct, /],
  [['--rounds', '0'], /^--rounds: 0 is no whole number from 1 to 100$/m],
  [['--seconds', '1.5'], /^--seconds: 1\.5 is no whole number/],
  [['--peer', 'frp=http://127.0.0.1:1'], /^--peer needs --backend-port N/],
  [['--peer', 'frp=127.0.0.1', '--backend-port', '9'], /^--peer: 127\.0\.0\.1 is no http:\/\/ URL/],
  [['--pids', 'frp=1'], /^--pids: there is no --peer frp$/m],
  [['--what'], /--what/],
];

test('what it is asked for and is not there is said by name', async (t) => {
  const ended = await Promise.all(mistakes.map(([args]) => bench(args)));
  for (const [place, [args, says]] of mistakes.entries()) {
    t.equal(ended[place]?.code, 2, args.join(' '));
    t.match(ended[place]?.output, says);
  }
});
