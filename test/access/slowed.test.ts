/** Who fails too often waits, and who succeeds does not: passwords, and the pages of a sign-in. */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { join } from 'node:path';
import { hashSync } from 'bcrypt';
import { test } from 'tap';
import type { Answer } from '../../proxy/answer.ts';
import { Attempts } from '../../proxy/access/attempts.ts';
import { createBasic } from '../../proxy/access/basic.ts';
import { createGate } from '../../proxy/access/gate.ts';
import { slowedPage } from '../../proxy/access/slowed-page.ts';
import { ask, statusOf, valuesOf } from './support/visit.ts';

function answerOf(code: string, status = 400): Answer {
  return { status, code, proxyStatus: undefined, sentence: '' };
}

const log = { debug() {}, info() {}, warn() {}, error() {} };

test('passwords: guesses of an address come to an end; who is known there, and others elsewhere, go on', async (t) => {
  const users = `alice:${hashSync('right', 4)}\nbob:${hashSync('right too', 4)}\n`;
  const file = join(t.testdir({ users }), 'users');
  const computed: string[] = [];
  const attempts = new Attempts({ max: 3, windowMs: 60_000 });
  const gate = createGate({
    name: 'p',
    recordOf: () => undefined,
    defaultAccess: { kind: 'signed-in' },
    before: [],
    authenticators: [
      createBasic({
        file,
        log,
        attempts,
        compare: async (password) => {
          computed.push(password);
          return password.startsWith('right');
        },
      }),
    ],
    after: [],
  });
  const enter = async (credentials: string, address = '192.0.2.1'): Promise<string> => {
    const lines = [`Authorization: Basic ${Buffer.from(credentials).toString('base64')}`];
    const { exchange, answer } = ask({ lines, address });
    if (await gate.admit(exchange, 'shop')) return 'in';
    return [String(statusOf(answer())), ...valuesOf(answer(), 'Retry-After')].join(' ');
  };
  t.equal(await enter('alice:right'), 'in');
  for (const guess of ['one', 'two', 'three']) t.equal(await enter(`alice:${guess}`), '401');
  const before = computed.length;
  for (const guess of ['four', 'five', 'right']) t.equal(await enter(`bob:${guess}`), '429 60');
  t.equal(computed.length, before, 'none of them was looked at');
  t.equal(await enter('alice:right'), 'in', 'who has signed in from there does not wait');
  t.equal(await enter('alice:one'), '401', 'what is known to be wrong is no guess');
  t.equal(await enter('bob:right too', '192.0.2.2'), 'in', 'another address');
});

test('a page of the sign-in: failures are told to wait, a success is not, nor is a provider that is away', async (t) => {
  const attempts = new Attempts({ max: 2, windowMs: 60_000 });
  let next = answerOf('sign_in_failed');
  const page = slowedPage({ methods: ['GET'], answer: () => next }, attempts);
  t.strictSame(page.methods, ['GET']);
  const statuses: string[] = [];
  const look = async (): Promise<void> => {
    const { status, retryAfterSeconds } = await page.answer(ask().exchange);
    statuses.push(`${status} ${retryAfterSeconds ?? '-'}`);
  };
  for (let count = 0; count < 4; count += 1) await look();
  next = answerOf('signed_in', 303);
  await look();
  next = answerOf('sign_in_unavailable', 503);
  await look();
  t.strictSame(statuses, ['400 -', '400 -', '429 60', '429 60', '303 -', '503 -']);
});
