/** Users with a password: what a client sends, who that is, and what it is told. With real hashes. */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hash, hashSync } from 'bcrypt';
import { test } from 'tap';
import type { Test } from 'tap';
import { createBasic } from '../../proxy/access/basic.ts';
import { createGate } from '../../proxy/access/gate.ts';
import type { Admission } from '../../proxy/exchange.ts';
import type { AccessRule } from '../../proxy/records/record.ts';
import { ask, statusOf, valuesOf } from './support/visit.ts';

const challenge = 'Basic realm="inverting-proxy", charset="UTF-8"';
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

function fileOf(t: Test, users: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'basic-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'users');
  write(file, users);
  return file;
}

function write(file: string, users: Readonly<Record<string, string>>): void {
  const lines = Object.entries(users).map(([name, password]) => `${name}:${password}\n`);
  writeFileSync(file, lines.join(''));
}

function gateOf(file: string, rule: AccessRule = { kind: 'signed-in' }, now?: () => number) {
  return createGate({
    name: 'p',
    recordOf: () => undefined,
    defaultAccess: rule,
    before: [],
    authenticators: [createBasic({ file, log: quiet, ...(now === undefined ? {} : { now }) })],
    after: [],
  });
}

type Gate = ReturnType<typeof gateOf>;

async function enter(
  gate: Gate,
  ...lines: string[]
): Promise<{ answer: string; admission: Admission | undefined }> {
  const { exchange, answer } = ask({ lines });
  await gate.admit(exchange, 'shop');
  return { answer: answer(), admission: exchange.admission };
}

/** `in`, or the status of the answer. */
async function standing(gate: Gate, credentials: string): Promise<number | 'in'> {
  const { admission, answer } = await enter(gate, `Authorization: Basic ${encode(credentials)}`);
  return admission === undefined ? statusOf(answer) : 'in';
}

const encode = (text: string, as: 'utf8' | 'latin1' = 'utf8'): string =>
  Buffer.from(text, as).toString('base64');
const cost = 4;

test('a right name and password: the user, and no Authorization for the backend', async (t) => {
  const file = fileOf(t, {
    alice: hashSync('correct horse', cost).replace('$2b$', '$2y$'),
    'bob@example.com': hashSync('pässwörd:€', cost),
    'Jörg B.': hashSync('', cost).replace('$2b$', '$2a$'),
  });
  const gate = gateOf(file);
  for (const [field, subject, email] of [
    [`Basic ${encode('alice:correct horse')}`, 'alice', undefined],
    [`bAsIc   ${encode('alice:correct horse')} `, 'alice', undefined],
    [`Basic ${encode('bob@example.com:pässwörd:€')}`, 'bob@example.com', 'bob@example.com'],
    [`Basic ${encode('Jörg B.:')}`, 'Jörg B.', undefined],
  ] as const) {
    const { admission, answer } = await enter(gate, `Authorization: ${field}`);
    t.equal(answer, '');
    t.strictSame(admission?.user, { subject, issuer: 'basic', email, groups: [] });
    t.equal(admission?.withholdsAuthorization, true);
  }
});

test('a page of another site opens no WebSocket with a password that the browser knows', async (t) => {
  const gate = gateOf(fileOf(t, { alice: hashSync('a', cost) }));
  const upgrade = ['Connection: upgrade', 'Upgrade: websocket', `Authorization: Basic ${encode('alice:a')}`];
  for (const [what, lines, wanted] of [
    ['another site', ['Origin: https://evil.example'], 403],
    ['another scheme', ['Origin: http://shop.example.com'], 403],
    ['a sandbox', ['Origin: null'], 403],
    ['two origins', ['Origin: https://shop.example.com', 'Origin: https://evil.example'], 403],
    ['another site, by its metadata', ['Sec-Fetch-Site: cross-site'], 403],
    ['a sister site', ['Sec-Fetch-Site: same-site'], 403],
    ['its own page', ['Origin: https://shop.example.com', 'Sec-Fetch-Site: same-origin'], 'in'],
    ['a program', [], 'in'],
  ] as const) {
    const { admission, answer } = await enter(gate, ...upgrade, ...lines);
    t.equal(admission === undefined ? statusOf(answer) : 'in', wanted, what);
    if (wanted === 403) t.match(answer, 'details="origin_refused"');
  }
  const { admission } = await enter(gate, ...upgrade.slice(2), 'Origin: https://evil.example');
  t.ok(admission, 'what is no upgrade is kept from other pages by the browser');
});

test('anything else is 401 and says how to sign in', async (t) => {
  const file = fileOf(t, { alice: hashSync('a', cost), bob: hashSync('b', cost) });
  const gate = gateOf(file);
  for (const [what, lines, code] of [
    ['nothing', [], 'sign_in_required'],
    ['another scheme', ['Authorization: Bearer x'], 'sign_in_required'],
    ['a wrong password', [`Authorization: Basic ${encode('alice:b')}`], 'password_wrong'],
    ["somebody else's password", [`Authorization: Basic ${encode('bob:a')}`], 'password_wrong'],
    ['nobody', [`Authorization: Basic ${encode('carol:a')}`], 'password_wrong'],
    ['another case', [`Authorization: Basic ${encode('Alice:a')}`], 'password_wrong'],
    ['no colon', [`Authorization: Basic ${encode('alice')}`], 'password_wrong'],
    ['no name', [`Authorization: Basic ${encode(':a')}`], 'password_wrong'],
    ['nothing behind the scheme', ['Authorization: Basic'], 'password_wrong'],
    ['what is no base64', ['Authorization: Basic a:b'], 'password_wrong'],
    ['two of them', [`Authorization: Basic ${encode('alice:a')}, Basic x`], 'password_wrong'],
    ['latin1', [`Authorization: Basic ${encode('älice:a', 'latin1')}`], 'password_wrong'],
    ['a NUL', [`Authorization: Basic ${encode('alice:a\0')}`], 'password_wrong'],
    ['a line break in the name', [`Authorization: Basic ${encode('ali\nce:a')}`], 'password_wrong'],
    ['a long one', [`Authorization: Basic ${encode(`alice:${'a'.repeat(1600)}`)}`], 'password_wrong'],
    [
      'the hash itself',
      [`Authorization: Basic ${encode(`alice:$2b$04$${'a'.repeat(53)}`)}`],
      'password_wrong',
    ],
    ['Proxy-Authorization', [`Proxy-Authorization: Basic ${encode('alice:a')}`], 'sign_in_required'],
  ] as const) {
    const { answer, admission } = await enter(gate, ...lines);
    t.equal(statusOf(answer), 401, what);
    t.strictSame(valuesOf(answer, 'WWW-Authenticate'), [challenge], what);
    t.match(answer, `details="${code}"`, what);
    t.equal(admission, undefined, what);
  }
});

test('bcrypt sees 72 bytes: a password with more behind them is another one', async (t) => {
  const file = fileOf(t, { alice: await hash('a'.repeat(72), cost) });
  const gate = gateOf(file);
  const enterWith = (length: number) =>
    enter(gate, `Authorization: Basic ${encode(`alice:${'a'.repeat(length)}`)}`);
  t.equal((await enterWith(72)).answer, '');
  t.equal(statusOf((await enterWith(73)).answer), 401);
  t.equal(statusOf((await enterWith(71)).answer), 401);
});

test('lists: by address and by subject', async (t) => {
  const file = fileOf(t, {
    'alice@example.com': hashSync('a', cost),
    bob: hashSync('b', cost),
    'x@example.com@evil.test': hashSync('c', cost),
  });
  const rule = {
    kind: 'listed',
    emails: [],
    domains: ['example.com'],
    groups: [],
    subjects: ['bob'],
  } as const;
  const gate = gateOf(file, rule);
  const statusFor = (credentials: string) => standing(gate, credentials);
  t.equal(await statusFor('alice@example.com:a'), 'in');
  t.equal(await statusFor('bob:b'), 'in');
  t.equal(await statusFor('x@example.com@evil.test:c'), 403);
});

test('a new file counts within a second, a broken one does not', async (t) => {
  const file = fileOf(t, { alice: hashSync('a', cost) });
  const clock = { nowMs: 0 };
  const gate = gateOf(file, { kind: 'signed-in' }, () => clock.nowMs);
  const statusFor = (credentials: string) => standing(gate, credentials);
  t.equal(await statusFor('alice:a'), 'in');
  write(file, { alice: 'correct horse' });
  clock.nowMs += 1_000;
  t.equal(await statusFor('alice:a'), 'in', 'the old one goes on');
  write(file, { bob: hashSync('b', cost), carol: hashSync('c', cost) });
  clock.nowMs += 1_000;
  t.equal(await statusFor('alice:a'), 401, 'also where the password was known');
  t.equal(await statusFor('bob:b'), 'in');
});

test('where everybody may pass, a password that is none of ours goes on to the backend', async (t) => {
  const file = fileOf(t, { alice: hashSync('a', cost) });
  const { admission } = await enter(
    gateOf(file, { kind: 'public' }),
    `Authorization: Basic ${encode('eve:e')}`,
  );
  t.match(admission, { user: undefined, withholdsAuthorization: false });
});

test('who would wait too long is told to come again, and who is known is not', async (t) => {
  const file = fileOf(t, { alice: hashSync('a', cost) });
  const open: (() => void)[] = [];
  const compare = (password: string) =>
    new Promise<boolean>((resolve) => open.push(() => resolve(password === 'a')));
  const gate = createGate({
    name: 'p',
    recordOf: () => undefined,
    defaultAccess: { kind: 'signed-in' },
    before: [],
    authenticators: [createBasic({ file, log: quiet, compare })],
    after: [],
  });
  const first = standing(gate, 'alice:a');
  await new Promise((resolve) => setImmediate(resolve));
  open.shift()?.();
  t.equal(await first, 'in');
  const waiting = Array.from({ length: 8 }, (_, at) => standing(gate, `alice:${at}`));
  const { answer } = await enter(gate, `Authorization: Basic ${encode('alice:8')}`);
  t.equal(statusOf(answer), 503);
  t.strictSame(valuesOf(answer, 'Retry-After'), ['2']);
  t.match(answer, 'details="passwords_busy"');
  t.equal(await standing(gate, 'alice:a'), 'in');
  for (let ended = 0; ended < 8; ended += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    open.shift()?.();
  }
  t.strictSame(new Set(await Promise.all(waiting)), new Set([401]));
});

test('a file that is no good stops the start', (t) => {
  t.throws(() => gateOf(fileOf(t, { alice: 'x' })), /^line 1 has a password that is no bcrypt hash/);
  t.end();
});
