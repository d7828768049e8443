/** Files that are read again: when they are looked at, and what becomes of one that is no good. */
import { mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import type { Test } from 'tap';
import { WatchedFile } from '../../proxy/access/watched-file.ts';

function watched(t: Test, first: string) {
  const directory = mkdtempSync(join(tmpdir(), 'watched-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'file');
  writeFileSync(path, first);
  const lines: string[] = [];
  const note = (fields: object, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log = { debug: note, info: note, warn: note, error: note };
  const clock = { nowMs: 0 };
  let reads = 0;
  const read = (text: string): string => {
    reads += 1;
    if (text.includes('broken')) throw new Error('line 1 is broken');
    return text;
  };
  const open = () => new WatchedFile({ path, read, log, now: () => clock.nowMs });
  return { directory, path, lines, clock, open, reads: () => reads };
}

test('it is looked at once a second, by who asks, and read only when it has changed', async (t) => {
  const { path, clock, lines, open, reads } = watched(t, 'one');
  const file = open();
  t.equal(file.current(), 'one');
  writeFileSync(path, 'the second');
  clock.nowMs = 999;
  t.equal(file.current(), 'one', 'without a wait');
  clock.nowMs = 1_000;
  const looking = file.current();
  t.ok(looking instanceof Promise);
  t.equal(file.current(), looking, 'who asks meanwhile waits for the same look');
  t.equal(await looking, 'the second');
  t.equal(file.current(), 'the second');
  clock.nowMs = 2_000;
  t.equal(await file.current(), 'the second');
  t.equal(reads(), 2);
  t.match(lines, [/^file read again/]);
});

test('a replaced file is a changed one, also behind a link', async (t) => {
  const { directory, path, clock, open } = watched(t, 'one');
  const target = (name: string): string => join(directory, name);
  rmSync(path);
  writeFileSync(target('v1'), 'one');
  writeFileSync(target('v2'), 'two');
  symlinkSync(target('v1'), path);
  const file = open();
  symlinkSync(target('v2'), target('new'));
  renameSync(target('new'), path);
  clock.nowMs = 1_000;
  t.equal(await file.current(), 'two');
  t.ok(readdirSync(directory).includes('file'));
});

test('what is no good at the start is thrown', (t) => {
  const { path, open } = watched(t, 'broken');
  t.throws(open, /line 1 is broken/);
  rmSync(path);
  t.throws(open, { code: 'ENOENT' });
  t.end();
});

test('what is no good later is said once, and the old goes on until it is good again', async (t) => {
  const { path, clock, lines, open } = watched(t, 'one');
  const file = open();
  const look = async (): Promise<string> => {
    clock.nowMs += 1_000;
    return file.current();
  };
  writeFileSync(path, 'broken and longer');
  t.equal(await look(), 'one');
  t.equal(await look(), 'one');
  t.match(lines, [/^the new file is no good: the old one goes on .*line 1 is broken/]);
  rmSync(path);
  t.equal(await look(), 'one');
  t.equal(await look(), 'one');
  t.match(lines.slice(1), [/the old one goes on .*ENOENT/]);
  t.equal(lines.length, 2);
  writeFileSync(path, 'two');
  t.equal(await look(), 'two');
});
