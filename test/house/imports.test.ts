/**
 * Every module of the product is imported here, but the two programs' own, which run when they are imported. So coverage
 * counts them all, also those that no other test loads; and none of them does anything before it is asked to.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { test } from 'tap';
import { within } from '../e2e/support/deadline.ts';
import type { Effect } from './importing-program.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const importer = fileURLToPath(new URL('importing-program.ts', import.meta.url));
/** Coverage of the whole product is written at the end of the child, on a machine that may be busy. */
const patienceMs = 60_000;

interface Imported {
  readonly effects: readonly Effect[];
  /** What the child said on its standard output and error. */
  readonly output: string;
  readonly code: number | null;
}

/** Imports the modules in a process of its own. */
async function importAll(modules: readonly string[]): Promise<Imported> {
  const urls = modules.map((module) => pathToFileURL(resolve(root, module)).href);
  const child = fork(importer, urls, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let effects: readonly Effect[] | undefined;
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
  }
  child.once('message', (message) => {
    if (Array.isArray(message)) effects = message;
  });
  try {
    const [code] = await within(patienceMs, () => `the end of the imports:\n${output}`, once(child, 'close'));
    if (effects === undefined) throw new Error(`not everything could be imported:\n${output}`);
    return { effects, output, code };
  } finally {
    child.kill('SIGKILL');
  }
}

test('importing a module of the product does nothing', async (t) => {
  const modules = globSync('{proxy,agent,shared}/**/*.ts', { cwd: root }).toSorted();
  const programs = new Set(['proxy/main.ts', 'agent/main.ts']);
  const silent = modules.filter((module) => !programs.has(module));
  t.equal(modules.length - silent.length, programs.size, 'the two programs are where they are said to be');
  // The libraries that they import are imported with them: these have no effect either.
  t.strictSame(await importAll(silent), { effects: [], output: '', code: 0 }, `${silent.length} modules`);
});

const plants: readonly [does: string, text: string, seen: string][] = [
  ['a timer', 'setTimeout(() => {}, 1)', 'Timeout'],
  ['a timer that keeps nothing alive', 'setInterval(() => {}, 60_000).unref()', 'Timeout'],
  ['work for the next turn', 'setImmediate(() => {})', 'Immediate'],
  ['a port', "(await import('node:net')).createServer().listen(0, '127.0.0.1').unref()", 'TCPSERVERWRAP'],
  ['a listener', "process.on('exit', () => {})", 'listener exit'],
  ['a signal', "process.once('SIGTERM', () => {})", 'listener SIGTERM'],
  ['a global', 'globalThis.planted = 1', 'global planted'],
  ['the environment', "process.env['PLANTED'] = '1'", 'environment PLANTED=1'],
  ['the exit code', 'process.exitCode = 0', 'exit code 0'],
];

test('what an import could do would be seen', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'imports-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const paths = await Promise.all(
    plants.map(async ([, text], place) => {
      const path = join(folder, `${place}.mjs`);
      await writeFile(path, `${text};\n`);
      return path;
    }),
  );
  const { effects } = await importAll(paths);
  for (const [place, [does, , seen]] of plants.entries()) {
    const own = effects.filter(({ module }) => module.endsWith(`/${place}.mjs`)).map(({ what }) => what);
    t.ok(
      own.some((what) => what.startsWith(seen)),
      does,
      { seen: own },
    );
  }
  await writeFile(join(folder, 'loud.mjs'), "console.log('loud');\n");
  t.equal((await importAll([join(folder, 'loud.mjs')])).output, 'loud\n', 'a line of output');
});
