/**
 * MEMORY_BUDGET holds: 2,000 clients that do not read, of a backend that sends each a mebibyte at once, cost both programs no
 * more than the budget, and small requests beside them are answered. In a network of its own, where the kernel holds 64 KiB
 * of each connection: elsewhere it takes megabytes, all of them away from what is measured here.
 */
import { execFile, execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'tap';
import type { Report } from './support/slow-readers-program.ts';
import { isDirect } from './support/tunnel.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const program = 'test/e2e/support/slow-readers-program.ts';
const budgetMib = 160;
/** The built programs start and stop within it, on a busy machine. */
const timeoutMs = 120_000;

const apart = ['-Urn', 'sh', '-c'];
const littleBuffers =
  'ip link set lo up && for way in rmem wmem; do echo "4096 16384 65536" > /proc/sys/net/ipv4/tcp_$way; done';

function cannotRun(): string | false {
  if (isDirect) return 'the product is not in the path (E2E_DIRECT)';
  try {
    execFileSync('unshare', [...apart, littleBuffers], { stdio: 'ignore' });
    return false;
  } catch {
    return 'no network of its own can be had here (unshare, ip)';
  }
}

test('2,000 slow readers within the budget', { skip: cannotRun(), timeout: timeoutMs }, async (t) => {
  const command = `unset NODE_OPTIONS; ${littleBuffers} && exec "$@"`;
  const argv = [...apart, command, 'sh', process.execPath, program];
  const env = { ...process.env, MEMORY_BUDGET: `${budgetMib}MiB` };
  const { stdout } = await run('unshare', argv, { cwd: root, env, timeout: timeoutMs });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own program's words
  const report = JSON.parse(stdout) as Report;
  for (const name of ['proxy', 'agent'] as const) {
    const tookMib = Math.round((report.peak[name] - report.idle[name]) / 1024 ** 2);
    t.ok(tookMib <= budgetMib, `the ${name} took ${tookMib} MiB beyond its idle size, of ${budgetMib}`);
  }
  t.ok(report.heldAtMost > 20 * 1024 ** 2, `and it held something: ${report.heldAtMost} bytes in the proxy`);
  t.same(report.readers, { 200: 2_000 }, 'as long as there is room, nobody is refused');
  t.same(report.small, { 200: 50 }, 'small requests beside them are answered');
  t.ok(report.smallWorstMs < 3_000, `the slowest in ${Math.round(report.smallWorstMs)} ms`);
  const words = Object.keys(report.late).toSorted();
  t.same(
    words,
    ['200', '503 overloaded retry-after'],
    'then new ones are refused, and told when to come again',
  );
  t.ok(report.refused > 0, `${report.refused} by the proxy's own count`);
  t.same(report.reservedAfter, [0, 0], 'when all have left, both budgets are whole again');
  t.same(report.smallAfter, { 200: 100 }, 'and everybody is served');
});
