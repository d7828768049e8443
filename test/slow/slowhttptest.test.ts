/**
 * Debian's slowhttptest in its three modes, and floods of requests that are a head and nothing else, against the programs as
 * they are shipped and with the limits they have by default; beside each an honest client in a process of its own. Skipped
 * where slowhttptest is not installed.
 */
/* oxlint-disable no-await-in-loop -- one after the other, or they would disturb each other */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { t as file, test } from 'tap';
import type { Test } from 'tap';
import { Program, says } from '../e2e/support/program.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';

const run = promisify(execFile);
/** Of the honest client's answers: what it must stay under. */
const p99LimitMs = 250;

const isInstalled = spawnSync('slowhttptest', ['-h']).error === undefined;
const needsTool = isInstalled ? {} : { skip: 'slowhttptest is not installed (apt-get install slowhttptest)' };

/** SLOW_PAGE_KIB=1024 is more than a busy machine can bear: it is then the megabytes that are in the way. */
const env = { PAGE_KIB: process.env['SLOW_PAGE_KIB'] ?? '256' };
const backend = Program.start(file, 'test/slow/backend-program.ts', { measured: true, env });
const { port: backendPort } = await backend.line(says('listening'));
const tunnel = await startTunnel(file, { backend: Number(backendPort), measured: true });

function inMs(value: unknown): string {
  return `${Number(value).toFixed(1)} ms`;
}

/** Does `attack` while an honest client asks for so long, and longer than that. Gives what `attack` gave. */
async function beside<T>(t: Test, ms: number, attack: () => Promise<T>): Promise<T> {
  const args = [String(tunnel.port), String(ms)];
  const honest = Program.start(t, 'test/slow/honest-program.ts', { args, measured: true });
  const [result] = await Promise.all([attack(), honest.end(ms + 20_000)]);
  const { count, p50, p99, max, failures } = await honest.line(says('served'));
  const story = `${Number(count)} answers: p50 ${inMs(p50)}, p99 ${inMs(p99)}, max ${inMs(max)}`;
  t.comment(`an honest client beside it: ${story}`);
  t.same(failures, [], 'each of its requests is answered');
  t.ok(Number(p99) < p99LimitMs, story);
  return result;
}

const seconds = 10;

for (const [what, path, mode] of [
  ['slow heads', '/', ['-H', '-i', '1', '-x', '24']],
  ['slow bodies', '/', ['-B', '-i', '1', '-s', '8192', '-x', '10']],
  ['slow reads', '/large', ['-X', '-w', '10', '-y', '20', '-n', '1', '-z', '32']],
] as const) {
  test(`${what} on 300 connections for ${seconds} s`, needsTool, async (t) => {
    const rates = ['-c', '300', '-r', '100', '-l', String(seconds), '-p', '3'];
    const url = `http://${tunnel.host}:${tunnel.port}${path}`;
    const said = await beside(t, (seconds + 1) * 1_000, async () => {
      const { stdout } = await run('slowhttptest', [...mode, ...rates, '-u', url]);
      // oxlint-disable-next-line no-control-regex -- it speaks in colours
      return stdout.replaceAll(/\u001b\[[0-9;]*m/g, '');
    });
    const last = said.slice(said.lastIndexOf('slow HTTP test status'));
    t.comment(last.trim().replaceAll(/\s*\n\s*/g, ', '));
    t.match(last, /service available:\s+YES/, 'and slowhttptest itself finds the service there');
    t.ok(tunnel.proxy?.isRunning && tunnel.agent?.isRunning, 'both programs go on');
  });
}

for (const [what, connections, depth] of [
  ['one at a time', 50, 1],
  ['twenty in flight on each', 50, 20],
] as const) {
  test(`a flood of heads on ${connections} connections, ${what}, for 3 s`, async (t) => {
    const args = [tunnel.port, 3_000, connections, depth, '/'].map(String);
    const answers = await beside(t, 3_500, async () => {
      const flood = Program.start(t, 'test/slow/flood-program.ts', { args, measured: true });
      await flood.end(20_000);
      return (await flood.line(says('flooded')))['answers'];
    });
    t.comment(`the flood got ${String(answers)} answers`);
    t.ok(Number(answers) > 100);
    t.ok(tunnel.proxy?.isRunning && tunnel.agent?.isRunning, 'both programs go on');
  });
}
