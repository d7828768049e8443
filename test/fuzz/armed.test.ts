/**
 * A proxy with everything on, against what nobody honest sends: one seed, the same every time, in each of its variants; and
 * what was found by longer runs (`npm run fuzz -- --target armed`).
 */
/* oxlint-disable no-await-in-loop -- one proxy after the other: each has the machine for itself */
import { test, type Test } from 'tap';
import { productOnly } from '../e2e/support/tunnel.ts';
import { readAnswers } from './armed/answers.ts';
import { wrongInLog } from './armed/log.ts';
import { playArmed } from './armed/play.ts';
import { OddProvider } from './armed/provider.ts';
import { askOddProvider } from './armed/provider-answers.ts';
import { startScene } from './armed/scene.ts';
import { talk } from './armed/talk.ts';

const SEED = 1;
/** Two seconds or so for each. */
const CASES = 1_400;
const PROVIDERS = 150;
/** Of the second half of a run, when everything has been loaded and used once: far below what a leak of a case would come to. */
const maxGrownBytes = 96 * 1024 * 1024;
/** How often each has to be seen at least: a run in which nobody gets anywhere shows nothing. */
const seen: Readonly<Record<number, number>> = {
  200: 50,
  303: 3,
  400: 100,
  401: 100,
  403: 20,
  404: 10,
  1002: 10,
};

const pages = '/.well-known/inverting-proxy';
const host = 'Host: shop.example.com';

/** The token of nobody that says this of its issuer. */
function tokenOf(issuer: unknown): string {
  const parts = [{ alg: 'RS256' }, { iss: issuer }].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return `Authorization: Bearer ${parts.join('.')}.AAAA`;
}

/** What was ever found, here or by somebody who looked: each has ended a proxy, or was answered wrongly. */
const found: readonly (readonly [what: string, status: number, lines: readonly string[]])[] = [
  ...[1, {}, ['x'], true].map(
    (issuer) =>
      [
        `a token whose issuer is ${JSON.stringify(issuer)}`,
        401,
        ['GET / HTTP/1.1', host, tokenOf(issuer)],
      ] as const,
  ),
  ...['$', '%00', "'", 'a..b', '1.2.3.4.5'].map(
    (name) =>
      [
        `a way back to the host ${name}`,
        400,
        [`GET ${pages}/callback?state=0123456789abcdef HTTP/1.1`, `Host: ${name}`],
      ] as const,
  ),
];

/** Of HEAD, refused before it was an exchange: nothing comes behind the head. */
const refusedHeads: readonly (readonly [status: number, bytes: string])[] = [
  [400, 'HEAD / HTTP/1.1\r\nHost: http://\r\n\r\n'],
  [417, `HEAD / HTTP/1.1\r\n${host}\r\nExpect: x\r\n\r\n`],
  [400, `HEAD x HTTP/1.1\r\n${host}\r\n\r\n`],
  [400, `HEAD / HTTP/1.1\r\nHost: open.example.com\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n`],
];

async function rowsOf(t: Test, port: number): Promise<void> {
  for (const [what, status, lines] of found) {
    const { text } = await talk(port, [...lines, 'Accept: application/json', '', ''].join('\r\n'));
    t.match(text, `HTTP/1.1 ${status} `, what);
  }
  for (const [status, bytes] of refusedHeads) {
    const { text } = await talk(port, bytes);
    t.match(text, new RegExp(`^HTTP/1\\.1 ${status} .*\r\n\r\n$`, 's'), JSON.stringify(bytes));
  }
  const { text } = await talk(port, 'GET / HTTP/1.1\r\nHost: http://\r\n\r\n');
  t.match(text, /\r\n\r\nThe request was refused/, 'of GET there is content');
}

for (const variant of ['plain', 'balanced'] as const) {
  test(`${variant}: the first cases of seed ${SEED}`, productOnly, async (t) => {
    const scene = await startScene(t, variant);
    const { pid } = scene.proxy;
    await t.test('what was found', (rows) => rowsOf(rows, scene.port));
    const { cases, statuses, wrong, grownBytes } = await playArmed(scene, SEED, {
      cases: CASES,
      untilMs: Infinity,
    });
    t.strictSame(wrong, [], `${cases} cases`);
    t.ok(scene.proxy.isRunning && scene.proxy.pid === pid, 'the same proxy lives');
    t.ok(grownBytes < maxGrownBytes, `${grownBytes} bytes more`);
    for (const [status, least] of Object.entries(seen)) {
      const count = statuses.get(Number(status)) ?? 0;
      t.ok(count >= least, `${count} times ${status}`);
    }
  });
}

test('a provider that answers with anything is taken at its word or refused', async (t) => {
  const provider = await OddProvider.listen(t);
  const { cases, taken, wrong } = await askOddProvider(provider, SEED, PROVIDERS);
  t.strictSame(wrong, [], `${cases} providers`);
  t.ok(taken > cases, `${taken} answers were taken`);
});

function log(line: object): string[] {
  return wrongInLog({ lines: [{ level: 'info', ...line }] }, ['abcdefghijklmnopqrstuvwxyz.x']);
}

test('the judgement itself', (t) => {
  const whole = 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na';
  t.match(readAnswers(whole + whole, false, 'fin'), { answers: { length: 2 }, isCut: false });
  t.equal(readAnswers(whole.slice(0, -1), false, 'fin').isCut, true);
  t.equal(readAnswers(whole, true, 'fin').isCut, true, 'content behind HEAD');
  t.ok(readAnswers('HTTP/1.1 200 OK\r\nA\r\n\r\n', false, 'fin').wrong);
  t.strictSame(log({ path: '/abcdefghijklmnopqrst' }), []);
  t.equal(log({ path: '/abcdefghijklmnopqrstuvwxyz' }).length, 1, 'a part of a token');
  t.equal(log({ reason: 'kept-secret-1' }).length, 1, 'what is marked');
  t.equal(log({ level: 'error' }).length, 1);
  t.equal(log({ error: 'TypeError: x' }).length, 1);
  t.end();
});
