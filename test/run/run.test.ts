import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'tap';
import { SettingError } from '../../shared/config/setting-error.ts';
import { run } from '../../shared/run/run.ts';
import type { Plan } from '../../shared/run/run.ts';
import {
  FakeHost,
  aborted,
  failByMistake,
  failWithCode,
  giveUp,
  neverSettle,
  part,
  plan,
} from './fake-host.ts';

test('SIGHUP: every part that has started looks again, and nothing stops', async (t) => {
  const host = new FakeHost();
  const refresh = (): void => void host.story.push('look');
  const running = run(() => plan(host, [part(host, 'a', { refresh }), part(host, 'b')]), host);
  await nextTurn();
  host.refresh();
  t.same(host.story, ['start a', 'start b', 'log looking again (SIGHUP)', 'look']);
  host.signal('SIGTERM');
  await running;
  t.equal(host.story.at(-1), 'exit 0');
});

test('parts start in order, stop in reverse, and the program ends with 0', async (t) => {
  const host = new FakeHost();
  const ended = run(() => plan(host, [part(host, 'a'), part(host, 'b'), part(host, 'c')]), host);
  await nextTurn();
  t.strictSame(host.story, ['start a', 'start b', 'start c'], 'and then it waits');
  host.signal('SIGTERM');
  await ended;
  t.strictSame(host.story.slice(3), [
    'log stopping SIGTERM',
    'stop c',
    'gone c',
    'stop b',
    'gone b',
    'stop a',
    'gone a',
    'log stopped',
    'exit 0',
  ]);
});

test('wrong settings are said line by line, and the program ends with 2 before anything started', async (t) => {
  const host = new FakeHost();
  await run(() => {
    throw new SettingError([
      { code: 'missing', setting: 'A', line: 'A is missing' },
      { code: 'unknown', setting: 'B', line: 'B is not a setting' },
    ]);
  }, host);
  t.strictSame(host.story, ['stderr A is missing\nB is not a setting', 'exit 2']);
});

test('any other error of the plan is the program’s own mistake', async (t) => {
  const host = new FakeHost();
  await t.rejects(
    run(() => Promise.reject(new TypeError('mistake')), host),
    { message: 'mistake' },
  );
  t.strictSame(host.story, []);
});

test('a part that cannot start stops those before it, and the program ends with 1', async (t) => {
  const host = new FakeHost();
  await run(
    () => plan(host, [part(host, 'a'), part(host, 'b', { start: failWithCode }), part(host, 'c')]),
    host,
  );
  t.strictSame(host.story, [
    'start a',
    'start b',
    'log b could not start the port is taken',
    'stop a',
    'gone a',
    'log stopped',
    'exit 1',
  ]);
});

test('a mistake in a part’s start is told with its stack, not in a sentence', async (t) => {
  const host = new FakeHost();
  await run(() => plan(host, [part(host, 'a', { start: failByMistake })]), host);
  t.strictSame(host.story, ['start a', 'log a could not start TypeError', 'log stopped', 'exit 1']);
});

test('a signal during the start aborts it: what was started stops, what was not is not', async (t) => {
  const host = new FakeHost();
  const ended = run(
    () => plan(host, [part(host, 'a'), part(host, 'b', { start: giveUp }), part(host, 'c')]),
    host,
  );
  await nextTurn();
  host.signal('SIGINT');
  await ended;
  t.strictSame(host.story, [
    'start a',
    'start b',
    'log stopping SIGINT',
    'stop a',
    'gone a',
    'log stopped',
    'exit 0',
  ]);
});

test('a signal while the plan is made starts nothing', async (t) => {
  const host = new FakeHost();
  const { promise, resolve } = Promise.withResolvers<Plan>();
  const ended = run(() => promise, host);
  host.signal('SIGTERM');
  resolve(plan(host, [part(host, 'a')]));
  await ended;
  t.strictSame(host.story, ['log stopping SIGTERM', 'log stopped', 'exit 0']);
});

test('at the deadline work is cut off, for every part at once', async (t) => {
  const host = new FakeHost();
  const parts = [part(host, 'a', { stop: aborted }), part(host, 'b', { stop: aborted })];
  const ended = run(() => plan(host, parts, 20), host);
  await nextTurn();
  host.signal('SIGTERM');
  await ended;
  t.strictSame(host.story.slice(2), [
    'log stopping SIGTERM',
    'stop b',
    'gone b',
    'stop a',
    'gone a',
    'log stopped',
    'exit 0',
  ]);
});

test('without time to drain the deadline has passed from the start', async (t) => {
  const host = new FakeHost();
  let wasAborted = false;
  const stop = (deadline: AbortSignal): Promise<void> => {
    wasAborted = deadline.aborted;
    return Promise.resolve();
  };
  const ended = run(() => plan(host, [part(host, 'a', { stop })], 0), host);
  await nextTurn();
  host.signal('SIGTERM');
  await ended;
  t.ok(wasAborted);
});

test('a part that does not even then stop is left behind a second later', async (t) => {
  const host = new FakeHost();
  const ended = run(() => plan(host, [part(host, 'a'), part(host, 'b', { stop: neverSettle })], 10), host);
  await nextTurn();
  const startMs = performance.now();
  host.signal('SIGTERM');
  await ended;
  const tookMs = performance.now() - startMs;
  t.ok(tookMs > 900 && tookMs < 5000, `${tookMs} ms`);
  t.strictSame(host.story.slice(2), [
    'log stopping SIGTERM',
    'stop b',
    'log b did not stop in time and is left behind',
    'stop a',
    'gone a',
    'log stopped',
    'exit 0',
  ]);
});

test('a part that fails to stop does not keep the others, and the program ends with 1', async (t) => {
  const host = new FakeHost();
  const ended = run(() => plan(host, [part(host, 'a'), part(host, 'b', { stop: failByMistake })]), host);
  await nextTurn();
  host.signal('SIGTERM');
  await ended;
  t.strictSame(host.story.slice(2), [
    'log stopping SIGTERM',
    'stop b',
    'log b could not stop TypeError',
    'stop a',
    'gone a',
    'log stopped',
    'exit 1',
  ]);
});

test('a second signal ends the process at once; one Ctrl-C that came twice does not', async (t) => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const host = new FakeHost();
    const release = Promise.withResolvers<void>();
    const ended = run(() => plan(host, [part(host, 'a', { stop: () => release.promise })]), host);
    // oxlint-disable-next-line no-await-in-loop -- one run after the other
    await nextTurn();
    host.signal('SIGINT');
    host.ms = 499;
    host.signal(signal);
    t.notMatch(host.story.join(), 'exit', 'the same Ctrl-C');
    host.ms = 500;
    host.signal(signal);
    t.equal(host.story.at(-1), `exit ${code}`);
    release.resolve();
    // oxlint-disable-next-line no-await-in-loop -- one run after the other
    await ended;
  }
});

/** Starts running-program.ts and waits until it says a line. */
async function startProgram(...args: string[]): Promise<{ child: ChildProcess; output: () => string }> {
  const program = fileURLToPath(new URL('running-program.ts', import.meta.url));
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  const said = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      said.resolve();
    });
  }
  await said.promise;
  return { child, output: () => text };
}

test('a real process stops at SIGTERM and at SIGINT with 0, its last line written', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one process after the other
    const { child, output } = await startProgram();
    child.kill(signal);
    // oxlint-disable-next-line no-await-in-loop -- one process after the other
    t.strictSame(await once(child, 'close'), [0, null], signal);
    t.match(
      output(),
      new RegExp(`"msg":"ready"\\}\\n.*"signal":"${signal}".*"msg":"stopping"\\}\\n.*"msg":"stopped"\\}\\n$`),
    );
  }
});

test('a real process that will not drain ends at the second signal', async (t) => {
  const { child } = await startProgram('stubborn');
  child.kill('SIGTERM');
  await once(child.stdout ?? child, 'data');
  // The first signal has been heard; the second must not pass for the same Ctrl-C.
  const again = setInterval(() => child.kill('SIGTERM'), 100);
  t.teardown(() => clearInterval(again));
  t.strictSame(await once(child, 'close'), [143, null]);
});

test('a real process with wrong settings says so on its standard error and ends with 2', async (t) => {
  const { child, output } = await startProgram('--prot');
  t.strictSame(await once(child, 'close'), [2, null]);
  t.equal(output(), '--prot is not a setting: did you mean --port?\n');
});
