import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { createLog } from '../../shared/log/log.ts';
import type { Log, LogFormat, LogLevel } from '../../shared/log/log.ts';

function record(
  format?: LogFormat,
  level: LogLevel = 'debug',
): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: createLog({ name: 'proxy', level, format, destination }), lines };
}

/** A line without its time, which is checked and taken off. */
function untimed(line: string | undefined): unknown {
  const fields: unknown = JSON.parse(line ?? '');
  if (typeof fields !== 'object' || fields === null || !('time' in fields))
    throw new Error('a line without a time');
  const { time, ...rest } = fields;
  if (typeof time !== 'string' || Number.isNaN(Date.parse(time))) throw new Error('a time that is none');
  return rest;
}

test('JSON: one object a line, level and message in words, the listening line as others wait for it', (t) => {
  const { log, lines } = record();
  log.info({ host: '0.0.0.0', port: 8080 }, 'listening');
  t.match(lines[0], /"port":8080,"msg":"listening"\}\n$/);
  t.strictSame(untimed(lines[0]), {
    level: 'info',
    name: 'proxy',
    host: '0.0.0.0',
    port: 8080,
    msg: 'listening',
  });
  t.end();
});

function levelsOf(lines: readonly string[]): string[] {
  return lines.map((line) => /"level":"(\w+)"/.exec(line)?.[1] ?? '');
}

test('every level, and nothing below the one that was asked for', (t) => {
  const all = record(undefined, 'debug');
  const some = record(undefined, 'warn');
  for (const { log } of [all, some]) {
    log.debug({}, 'one');
    log.info({}, 'two');
    log.warn({}, 'three');
    log.error({}, 'four');
  }
  t.strictSame(levelsOf(all.lines), ['debug', 'info', 'warn', 'error']);
  t.strictSame(levelsOf(some.lines), ['warn', 'error']);
  t.end();
});

test('pretty: a short line, the message before the fields, no colour where there is no terminal', (t) => {
  const { log, lines } = record('pretty');
  log.info({ port: 8080 }, 'listening');
  log.warn({}, 'one\ntwo');
  t.match(lines[0], /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: listening \{"port":8080\}\n$/);
  t.match(lines[1], /^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: /);
  t.end();
});

test('an error is told with its code, its stack and its cause', (t) => {
  const { log, lines } = record();
  const cause = new TypeError('deeper');
  log.error({ error: Object.assign(new Error('no', { cause }), { code: 'ECONNRESET' }) }, 'failed');
  t.match(untimed(lines[0]), {
    error: {
      name: 'Error',
      message: 'no',
      code: 'ECONNRESET',
      stack: /^Error: no\n/,
      cause: { name: 'TypeError', message: 'deeper' },
    },
  });
  t.end();
});

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJiYWNrZW5kIjoiYSJ9.c2lnbmF0dXJl';

test('a secret that somebody logs by mistake is never printed, in either format', (t) => {
  const rows: Readonly<Record<string, readonly [fields: Record<string, unknown>, message: string]>> = {
    token: [{ token: 'hush' }, 'x'],
    'another case': [{ Token: 'hush' }, 'x'],
    'with a word before it': [{ accessToken: 'hush', agent_secret: 'hush', 'x-api-token': 'hush' }, 'x'],
    authorization: [{ authorization: 'Basic hush' }, 'x'],
    'proxy authorization': [{ 'Proxy-Authorization': 'Basic hush' }, 'x'],
    cookie: [{ cookie: 'a=hush' }, 'x'],
    'set-cookie, many': [{ 'Set-Cookie': ['a=hush', 'b=hush'] }, 'x'],
    'deep within': [{ request: { headers: { Cookie: 'hush' } } }, 'x'],
    'as a pair': [
      {
        fields: [
          ['Host', 'a'],
          ['Cookie', 'hush'],
        ],
      },
      'x',
    ],
    'in a map': [{ fields: new Map([['cookie', 'hush']]) }, 'x'],
    'on an error': [{ error: Object.assign(new Error('no'), { token: 'hush' }) }, 'x'],
    'too deep to look': [{ a: { b: { c: { d: { e: { token: 'hush' } } } } } }, 'x'],
    'a secret object': [{ secret: { value: 'hush' } }, 'x'],
    password: [{ password: 'hush' }, 'x'],
    'a bearer token in a text': [{ line: 'Authorization: Bearer hush' }, 'x'],
    'a bearer token in the message': [{}, 'sent bearer hush'],
    'a URL with its token': [{ url: 'wss://hush@tunnel.example.com/x' }, 'x'],
    'a URL with its password': [{ url: new URL('http://me:hush@proxy.example:3128') }, 'x'],
    bytes: [{ bytes: Buffer.from('hush') }, 'x'],
  };
  for (const format of ['json', 'pretty'] as const) {
    for (const [title, [fields, message]] of Object.entries(rows)) {
      const { log, lines } = record(format);
      log.info(fields, message);
      t.equal(lines.length, 1, `${title}: one line`);
      t.notMatch(lines[0], 'hush', `${format}, ${title}`);
    }
    const { log, lines } = record(format);
    log.info({ reason: `bad token ${jwt}`, path: `/x?jwt=${jwt}` }, `it was ${jwt}.`);
    t.notMatch(lines[0], 'eyJ', `${format}, a JWT anywhere`);
  }
  t.end();
});

test('what only looks alike is left as it is, and what is given is not changed', (t) => {
  const { log, lines } = record();
  const fields = {
    tokenId: 'b9',
    url: 'https://a.example/x@y',
    mail: 'me@a.example',
    n: 1n,
    list: [1, ['a', 2]],
    nothing: null,
    cookies: 2,
  };
  log.info(fields, 'a token was fresh');
  t.strictSame(untimed(lines[0]), {
    level: 'info',
    name: 'proxy',
    ...fields,
    n: '1',
    msg: 'a token was fresh',
  });
  const secret = { headers: { cookie: 'a' } };
  log.info(secret, 'x');
  t.strictSame(secret, { headers: { cookie: 'a' } });
  t.end();
});

/** Runs logging-program.ts; gives what it wrote and how it ended. */
async function runProgram(...args: string[]): Promise<{ output: string; end: unknown }> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('logging-program.ts', import.meta.url)), ...args],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code, signal]: unknown[] = await once(child, 'close');
  return { output, end: code ?? signal };
}

const ways = [
  ['exit', 0],
  ['end', 0],
  ['throw', 1],
  ['flush', 'SIGKILL'],
] as const;

for (const [way, expected] of ways) {
  test(`a real program that ends by ${way} loses no line, and keeps their order`, async (t) => {
    const { output, end } = await runProgram(way, 'json');
    const numbers = output
      .trimEnd()
      .split('\n')
      .map((line) => Number(/"n":(\d+)/.exec(line)?.[1]));
    t.strictSame(
      numbers,
      Array.from({ length: 3000 }, (_, index) => index),
    );
    t.equal(end, expected);
  });
}

test('where the standard output is no terminal the default is JSON, and pretty can be asked for', async (t) => {
  t.match((await runProgram('exit')).output, /^\{"level":"info"/);
  t.match((await runProgram('exit', 'pretty')).output, /^\[[\d:.]+\] INFO: line \{"n":0\}\n/);
});

test('a reader that has gone does not end the program, nor keep it from ending', async (t) => {
  const program = fileURLToPath(new URL('logging-program.ts', import.meta.url));
  const child = spawn(process.execPath, [program, 'gone', 'json'], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.stdout.destroy();
  child.stdin.end();
  t.strictSame(await once(child, 'exit'), [0, null]);
});
