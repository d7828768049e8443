/** What is remembered of sessions: asking the provider after somebody in the background, and what its answers mean. */
import { setImmediate } from 'node:timers/promises';
import { test } from 'tap';
import { ProviderError } from '../../shared/auth/provider-error.ts';
import type { Log } from '../../shared/log/log.ts';
import { SessionMemory } from '../../proxy/access/session-memory.ts';
import type { SessionMemoryOptions } from '../../proxy/access/session-memory.ts';
import { fitting } from '../../proxy/access/session.ts';
import type { Session } from '../../proxy/access/session.ts';

const quiet: Pick<Log, 'debug' | 'info' | 'warn'> = { debug: () => {}, info: () => {}, warn: () => {} };
const user = { subject: '1', issuer: 'https://id.example', email: 'alice@example.com', groups: ['staff'] };
const intervalMs = 600_000;

function sessionOf(id: string, nowMs: number): Session {
  const seconds = nowMs / 1000;
  return { id, host: 'shop.example.com', user, beganAt: seconds, seenAt: seconds, confirmedAt: seconds };
}

type Refresh = SessionMemoryOptions['provider']['refresh'];

type Fit = SessionMemoryOptions['fit'];

function create(
  refresh: Refresh,
  fit: Fit = (whole) => whole,
): { memory: SessionMemory; clock: { nowMs: number } } {
  const clock = { nowMs: 1e12 };
  const memory = new SessionMemory({
    provider: { refresh },
    refreshIntervalMs: intervalMs,
    fit,
    now: () => clock.nowMs,
    log: quiet,
  });
  return { memory, clock };
}

test('somebody is asked after in the background, once for many requests, and with the newest token', async (t) => {
  const used: string[] = [];
  const { memory, clock } = create((token, subject) => {
    used.push(token);
    const profile = { subject, email: 'new@example.com', groups: [`g${used.length}`] };
    return Promise.resolve({ profile, refreshToken: `token-${used.length}`, idToken: `id-${used.length}` });
  });
  const session = sessionOf('a', clock.nowMs);
  memory.begin(session, 'token-0', 'id-0');
  t.equal(memory.look(session).user, user, 'not before it is time');
  clock.nowMs += intervalMs;
  for (let count = 0; count < 10; count += 1) t.equal(memory.look(session).user, user, 'nobody waits');
  await setImmediate();
  t.strictSame(used, ['token-0']);
  const { user: next, confirmedAt } = memory.look(session);
  t.match(next, { ...user, email: 'new@example.com', groups: ['g1'] });
  t.equal(confirmedAt, clock.nowMs / 1000);
  t.equal(memory.idTokenOf('a'), 'id-1');
  clock.nowMs += intervalMs;
  memory.look(session);
  await setImmediate();
  t.strictSame(used, ['token-0', 'token-1']);
});

test('of the groups that the provider names, no more are remembered than a session holds', async (t) => {
  const groups = Array.from({ length: 500 }, (_, at) => `a group with a long name ${at}`);
  const { memory, clock } = create(
    (_, subject) =>
      Promise.resolve({
        profile: { subject, email: undefined, groups },
        refreshToken: undefined,
        idToken: undefined,
      }),
    (whole) => fitting(whole, (group) => group === groups.at(-1)),
  );
  const session = sessionOf('a', clock.nowMs);
  memory.begin(session, 'token', undefined);
  clock.nowMs += intervalMs;
  memory.look(session);
  await setImmediate();
  const kept = memory.look(session).user.groups;
  t.ok(kept.length > 10 && kept.length < 100, `${kept.length}`);
  t.equal(kept.at(-1), groups.at(-1), 'those that a rule names first');
});

test('a provider that is away, or refuses the proxy, changes nothing and is asked again later', async (t) => {
  const errors = [
    new ProviderError('provider_away', 'away'),
    new ProviderError('provider_refused', 'no', undefined, 'invalid_client'),
    new ProviderError('sign_in_invalid', 'nonsense'),
  ];
  for (const error of errors) {
    let count = 0;
    const { memory, clock } = create(() => {
      count += 1;
      return Promise.reject(error);
    });
    const session = sessionOf('a', clock.nowMs);
    memory.begin(session, 'token', undefined);
    clock.nowMs += intervalMs;
    memory.look(session);
    // oxlint-disable-next-line no-await-in-loop -- a table
    await setImmediate();
    t.strictSame(memory.look(session), { user, confirmedAt: session.confirmedAt });
    t.notOk(memory.isEnded('a'));
    t.equal(count, 1, 'not at once again');
    clock.nowMs += 60_000;
    memory.look(session);
    // oxlint-disable-next-line no-await-in-loop
    await setImmediate();
    t.equal(count, 2);
  }
});

test('a grant that is gone ends the session', async (t) => {
  const { memory, clock } = create(() =>
    Promise.reject(new ProviderError('provider_refused', 'no', undefined, 'invalid_grant')),
  );
  const session = sessionOf('a', clock.nowMs);
  memory.begin(session, 'token', undefined);
  clock.nowMs += intervalMs;
  memory.look(session);
  await setImmediate();
  t.ok(memory.isEnded('a'));
});

test('without a refresh token, and after a restart, nobody is asked', async (t) => {
  const { memory, clock } = create(() => {
    throw new Error('asked');
  });
  const session = sessionOf('a', clock.nowMs);
  memory.begin(session, undefined, undefined);
  memory.begin(sessionOf('b', clock.nowMs), 'x'.repeat(5_000), 'y'.repeat(5_000));
  clock.nowMs += 10 * intervalMs;
  for (const id of ['a', 'b', 'unknown']) {
    t.strictSame(memory.look({ ...session, id }), { user, confirmedAt: session.confirmedAt });
    t.equal(memory.idTokenOf(id), undefined, 'a token of any length is not kept');
  }
  await setImmediate();
});

test('so many sessions are remembered at most, and so many that are over', (t) => {
  const { memory, clock } = create(() => Promise.reject(new Error('asked')));
  for (let count = 0; count < 6_000; count += 1) memory.begin(sessionOf(`s${count}`, clock.nowMs), 'r', 'i');
  t.equal(memory.size, 5_000);
  t.equal(memory.idTokenOf('s0'), undefined);
  t.equal(memory.idTokenOf('s5999'), 'i');
  for (let count = 0; count < 11_000; count += 1) memory.end(`e${count}`);
  t.notOk(memory.isEnded('e0'));
  t.ok(memory.isEnded('e10999'));
  t.end();
});
