import { constants, closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'tap';
import type { Test } from 'tap';
import { LineOutput } from '../../shared/log/line-output.ts';

/** A pipe with both ends here, neither of them blocking. */
function openPipe(t: Test): { readonly readEnd: number; readonly writeEnd: number } {
  const path = join(t.testdir({}), 'pipe');
  execFileSync('mkfifo', [path]);
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeEnd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  t.teardown(() => {
    closeSync(readEnd);
    closeSync(writeEnd);
  });
  return { readEnd, writeEnd };
}

/** Everything a pipe holds now. */
function drain(fd: number): string {
  const pieces: Buffer[] = [];
  const piece = Buffer.alloc(65_536);
  for (;;) {
    try {
      const length = readSync(fd, piece);
      if (length === 0) break;
      pieces.push(Buffer.from(piece.subarray(0, length)));
    } catch {
      break;
    }
  }
  return Buffer.concat(pieces).toString();
}

test('lines are written in order, and flush settles when they are', async (t) => {
  const path = join(t.testdir({}), 'log');
  const fd = openSync(path, 'w');
  t.teardown(() => closeSync(fd));
  const output = new LineOutput({ fd });
  await output.flush();
  output.write('one\n');
  output.write('two\n');
  t.equal(readFileSync(path, 'utf8'), '', 'nothing is written within the turn');
  await output.flush();
  t.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
  output.write('thrée\n');
  output.flushSync();
  t.equal(readFileSync(path, 'utf8'), 'one\ntwo\nthrée\n');
  await output.flush();
  t.equal(readFileSync(path, 'utf8'), 'one\ntwo\nthrée\n', 'and not once more');
});

test('a full pipe delays lines and loses none', async (t) => {
  const { readEnd, writeEnd } = openPipe(t);
  const output = new LineOutput({ fd: writeEnd });
  const line = `${'x'.repeat(9_999)}\n`;
  for (let n = 0; n < 30; n += 1) output.write(line);
  const flushed = output.flush().then(() => 'flushed');
  let text = '';
  let state: string | undefined;
  while (state !== 'flushed') {
    text += drain(readEnd);
    // oxlint-disable-next-line no-await-in-loop -- the reader takes its time
    state = await Promise.race([flushed, nextTurn('waiting')]);
  }
  text += drain(readEnd);
  t.equal(text, line.repeat(30));
});

test('a reader that stands still costs lines, which are counted, and never memory', async (t) => {
  const { readEnd, writeEnd } = openPipe(t);
  const dropped: number[] = [];
  const output = new LineOutput({
    fd: writeEnd,
    maxWaitingBytes: 100,
    onDropped: (lines) => {
      dropped.push(lines);
      output.write(`dropped ${lines}\n`);
    },
  });
  for (let n = 0; n < 20; n += 1) output.write(`line ${n} xx\n`);
  await output.flush();
  t.strictSame(dropped, [10]);
  t.match(drain(readEnd), /^line 0 xx\n(?:line \d xx\n){9}dropped 10\n$/);
});

test('a flush at exit gives up on a pipe that stays full, after a second', (t) => {
  const { writeEnd } = openPipe(t);
  try {
    for (;;) writeSync(writeEnd, 'x'.repeat(4096));
  } catch {
    // The pipe is full.
  }
  const output = new LineOutput({ fd: writeEnd });
  output.write('late\n');
  const startMs = performance.now();
  output.flushSync();
  const tookMs = performance.now() - startMs;
  t.ok(tookMs > 900 && tookMs < 5000, `${tookMs} ms`);
  t.end();
});

test('a closed descriptor ends the writing, and flush settles', async (t) => {
  const fd = openSync(join(t.testdir({}), 'log'), 'w');
  closeSync(fd);
  const output = new LineOutput({ fd });
  output.write('one\n');
  await output.flush();
  output.write('two\n');
  await output.flush();
  output.flushSync();
  t.pass('settled');
});

test('lines that are in no hurry go together: with the next that is, after a moment, when they are many, at the end', async (t) => {
  const path = join(t.testdir({}), 'log');
  const fd = openSync(path, 'w');
  t.teardown(() => closeSync(fd));
  const output = new LineOutput({ fd });
  const written = (): string => readFileSync(path, 'utf8');
  output.gather('a\n');
  output.gather('b\n');
  await nextTurn();
  await nextTurn();
  t.equal(written(), '', 'they wait');
  output.write('c\n');
  output.gather('d\n');
  await output.flush();
  t.equal(written(), 'a\nb\nc\nd\n', 'in the order they came');
  // oxlint-disable no-await-in-loop -- until it is written
  output.gather('e\n');
  while (!written().endsWith('e\n')) await nextTurn();
  output.gather('f\n');
  await output.flush();
  t.match(written(), /f\n$/, 'asked for');
  const many = `${'x'.repeat(999)}\n`;
  for (let n = 0; n < 33; n += 1) output.gather(many);
  const before = performance.now();
  while (!written().endsWith(many)) await nextTurn();
  // oxlint-enable no-await-in-loop
  t.ok(performance.now() - before < 15, 'many do not wait for the time');
  output.gather('g\n');
  output.flushSync();
  t.match(written(), /g\n$/, 'the process ends');
  await output.flush();
  t.notMatch(written(), /g\ng\n$/);
});
