/** The hunt itself, on bugs that are planted: an error and a loop are found, made smaller and told of; without a bug nothing is. */
import { execFile } from 'node:child_process';
import { test } from 'tap';
import { hunt, replay } from './hunt.ts';
import { minimised } from './minimise.ts';

test('an error is found, and the case is made as small as it can be', async (t) => {
  const { found, cases } = await hunt({ target: 'planted-error', seed: 1, seconds: 60 });
  t.equal(found?.what, 'TypeError: the planted bug');
  t.equal(Buffer.from(found?.bytes ?? []).toString(), 'bug', `after ${cases} cases`);
  t.equal(
    await replay('planted-error', Buffer.from('a bug')),
    'TypeError: the planted bug',
    'it can be played again',
  );
  t.equal(await replay('planted-error', Buffer.from('nothing')), undefined);
});

test('a loop is found by a thread that watches, and ended', async (t) => {
  const { found } = await hunt({ target: 'planted-loop', seed: 1, seconds: 60, hangMs: 1_500, hangTries: 2 });
  t.equal(found?.what, 'it does not return');
  t.match(Buffer.from(found?.bytes ?? []).toString(), 'loop');
});

test('a hunt ends when it is told to, with nothing where there is nothing', async (t) => {
  const { found, cases, seconds } = await hunt({ target: 'control', seed: 1, seconds: 0 });
  t.equal(found, undefined);
  t.ok(seconds < 60, `${cases} cases in ${seconds} s`);
});

const fails = (bytes: Uint8Array): boolean => bytes.includes(7) && bytes.includes(9);

test('smaller: what is left still fails, and no byte of it can go', (t) => {
  const long = Uint8Array.from({ length: 1_000 }, (_, at) => (at === 300 ? 7 : at === 800 ? 9 : 0));
  t.strictSame([...minimised(long, fails, 1_000)], [7, 9]);
  t.ok(fails(minimised(long, fails, 5)), 'within few tries too');
  t.end();
});

function program(...args: readonly string[]): Promise<{ code: unknown; output: string }> {
  const file = new URL('fuzz.ts', import.meta.url).pathname;
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...args], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    );
  });
}

test('the program says what it did, and what it cannot do', async (t) => {
  const ran = await program('--target', 'control', '--seed', '3', '--seconds', '0');
  t.equal(ran.code, 0);
  t.match(ran.output, /^control: [\d,]+ cases, [\d,]+ a second, seed 3, nothing found\n$/);
  const unknown = await program('--target', 'nobody');
  t.strictSame(unknown, {
    code: 2,
    output: 'there is no target nobody: take one of mux, head, body, control, armed\n',
  });
  const bad = await program('--seconds', '1m');
  t.strictSame(bad, { code: 2, output: '--seconds is a whole number of at most nine digits, not 1m\n' });
});
