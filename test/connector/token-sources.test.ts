/** Where an agent's token comes from: a file that changes in every way files do, and a provider that comes and goes. */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import type { Test } from 'tap';
import { IssuedToken } from '../../agent/token/issued-token.ts';
import { TokenFile } from '../../agent/token/token-file.ts';
import { TokenUnavailable } from '../../agent/token/token-source.ts';
import type { TokenSource } from '../../agent/token/token-source.ts';
import type { FetchedToken } from '../../shared/auth/client-credentials.ts';
import { HandClock } from '../transport/hand-clock.ts';
import { until } from '../transport/until.ts';

function logTo(lines: string[]) {
  const note = (fields: object): void => {
    lines.push(JSON.stringify(fields));
  };
  return { info: () => undefined, warn: note };
}

async function taken(source: TokenSource): Promise<string> {
  try {
    return await source.take(new AbortController().signal);
  } catch (error) {
    if (!(error instanceof TokenUnavailable)) throw error;
    return error.message;
  }
}

function watchFile(t: Test) {
  const clock = new HandClock();
  const fresh: string[] = [];
  const lines: string[] = [];
  const path = join(t.testdir(), 'token');
  const source = new TokenFile({ path, clock, log: logTo(lines) });
  t.teardown(() => source.stop());
  source.start((token) => fresh.push(token));
  /** One look, to its end. */
  const look = async (): Promise<void> => {
    clock.advance(2_000);
    await until('the look is over', () => clock.waitingCount === 1);
  };
  return { source, path, fresh, lines, look };
}

test('a file is told of when its token has changed, and only then', async (t) => {
  const { source, path, fresh, look } = watchFile(t);
  writeFileSync(path, 'one\n');
  t.equal(await taken(source), 'one');
  await look();
  writeFileSync(path, 'one\r\n');
  await look();
  t.strictSame(fresh, [], 'another line break is no other token');
  writeFileSync(path, 'two');
  await look();
  writeFileSync(`${path}.new`, 'thr');
  renameSync(`${path}.new`, path);
  await look();
  t.strictSame(fresh, ['two', 'thr']);
  writeFileSync(path, 'four');
  t.equal(await taken(source), 'four', 'a dial reads it at once');
  t.strictSame(fresh, ['two', 'thr', 'four'], 'and the living links hear of it');
  await look();
  t.equal(fresh.length, 3);
});

test('a secret that is mounted is a link to a folder that is exchanged', async (t) => {
  const { source, path, fresh, look } = watchFile(t);
  for (const version of ['v1', 'v2']) {
    mkdirSync(`${path}.${version}`);
    writeFileSync(join(`${path}.${version}`, 'token'), version);
  }
  symlinkSync(`${path}.v1`, `${path}.now`);
  symlinkSync(join(`${path}.now`, 'token'), path);
  t.equal(await taken(source), 'v1');
  symlinkSync(`${path}.v2`, `${path}.next`);
  renameSync(`${path}.next`, `${path}.now`);
  await look();
  t.strictSame(fresh, ['v2']);
});

test('a file that is away or holds no token takes the last one from nobody', async (t) => {
  const { source, path, fresh, lines, look } = watchFile(t);
  t.equal(await taken(source), 'TOKEN_FILE cannot be read (ENOENT)');
  const rows = [
    ['', 'TOKEN_FILE is empty'],
    ['\n\n', 'TOKEN_FILE is empty'],
    ['a b', 'TOKEN_FILE holds more than a token'],
    ['a\r\nX-Evil: b', 'TOKEN_FILE holds more than a token'],
    ['tökén', 'TOKEN_FILE holds more than a token'],
    ['x'.repeat(8_200), 'TOKEN_FILE is too long to hold a token alone'],
  ] as const;
  for (const [text, why] of rows) {
    writeFileSync(path, text);
    t.equal(await taken(source), why);
  }
  writeFileSync(path, 'one');
  t.equal(await taken(source), 'one');
  for (const [text, why] of rows) {
    writeFileSync(path, text);
    await look();
    t.equal(await taken(source), 'one', why);
  }
  rmSync(path);
  t.equal(await taken(source), 'one');
  t.equal(lines.length, 4, 'each reason is said when it changes');
  writeFileSync(path, 'two');
  await look();
  t.strictSame(fresh, ['two']);
});

/** A provider that gives `token 1`, `token 2`, … for a minute each, or fails while it is away. */
function issue(t: Test, lifeMs = 60_000) {
  const clock = new HandClock();
  const fresh: string[] = [];
  const lines: string[] = [];
  const provider = { asked: 0, isAway: false, random: 0, sleptMs: 0 };
  const source = new IssuedToken({
    clock,
    log: logTo(lines),
    random: () => provider.random,
    wallMs: () => clock.nowMs() + provider.sleptMs,
    fetch: async (): Promise<FetchedToken> => {
      provider.asked += 1;
      if (provider.isAway) throw new TokenUnavailable('away');
      return { token: `token ${provider.asked}`, lifeMs };
    },
  });
  t.teardown(() => source.stop());
  source.start((token) => fresh.push(token));
  return { source, clock, fresh, lines, provider };
}

test('a token is fetched once for all who ask, and the next when two thirds of its life are over', async (t) => {
  const { source, clock, fresh, provider } = issue(t);
  t.strictSame(await Promise.all([taken(source), taken(source)]), ['token 1', 'token 1']);
  t.equal(await taken(source), 'token 1');
  t.equal(provider.asked, 1);
  clock.advance(39_999);
  t.equal(provider.asked, 1);
  clock.advance(1);
  await until('the next', () => fresh.length === 1);
  t.strictSame(fresh, ['token 2'], 'and only what follows is news');
});

test('while the provider is away it is asked ever more slowly, however often it is dialled', async (t) => {
  const { source, clock, fresh, lines, provider } = issue(t);
  t.equal(await taken(source), 'token 1');
  Object.assign(provider, { isAway: true, random: 1 });
  const waits: number[] = [];
  clock.advance(40_000);
  for (let tries = 0; tries < 3; tries += 1) {
    await until('a pause', () => clock.waitingCount === 1);
    waits.push(clock.untilNextMs);
    t.equal(await taken(source), 'token 1', 'what is there serves');
    clock.advance(clock.untilNextMs);
  }
  await until('a pause', () => clock.waitingCount === 1);
  t.strictSame(waits, [1_500, 2_500, 4_500], 'with the most jitter');
  clock.advance(clock.untilNextMs);
  await until('a pause', () => clock.waitingCount === 1);
  t.equal(lines.length, 1, 'why is said once');
  const { asked } = provider;
  source.refused();
  t.strictSame(await Promise.all([taken(source), taken(source), taken(source)]), ['away', 'away', 'away']);
  t.equal(provider.asked, asked, 'a dial does not hurry it');
  provider.isAway = false;
  clock.advance(clock.untilNextMs);
  await until('it is back', () => fresh.length === 1);
  t.equal(await taken(source), fresh[0]);
});

test('a token that is over when it comes is given to all who dial: each asks for no other, and the next comes in a second', async (t) => {
  for (const lifeMs of [1_500, 0, -600_000]) {
    const { source, clock, fresh, provider } = issue(t, lifeMs);
    t.equal(await taken(source), 'token 1');
    t.equal(await taken(source), 'token 1', `${lifeMs} ms`);
    clock.advance(999);
    t.equal(await taken(source), 'token 1');
    t.equal(provider.asked, 1);
    clock.advance(1);
    await until('the next', () => fresh.length === 1);
    t.equal(await taken(source), 'token 2');
    t.equal(provider.asked, 2);
  }
});

test('a token that ended while the machine slept is not dialled with', async (t) => {
  const { source, clock, provider } = issue(t);
  t.equal(await taken(source), 'token 1');
  provider.sleptMs = 57_000;
  t.equal(await taken(source), 'token 1');
  provider.sleptMs = 58_000;
  t.equal(await taken(source), 'token 2');
  clock.advance(1_000);
  t.equal(await taken(source), 'token 2', 'which lives as long as any');
});

test('a token that is about to end, or that the proxy would not have, is not dialled with', async (t) => {
  const { source, clock, provider } = issue(t, 10_000);
  t.equal(await taken(source), 'token 1');
  source.refused();
  t.equal(await taken(source), 'token 2');
  provider.isAway = true;
  clock.advance(8_001);
  await until('a pause', () => clock.waitingCount === 1);
  t.equal(await taken(source), 'away', 'two seconds before its end');
});
