/**
 * 500 agents with two links each lose their proxy in the same moment, in virtual time: how many dials a second it sees
 * when it is back, and how soon all of them are. The bounds are those of full jitter between 250 ms and 15 s.
 */
import { test } from 'tap';
import { Backoff } from '../../agent/connector/backoff.ts';
import { Place } from '../../agent/connector/place.ts';
import { DialError } from '../../shared/transport/websocket/dial-error.ts';
import { HandClock } from '../transport/hand-clock.ts';
import { turns } from '../transport/until.ts';

const agents = 500;
const links = 2;
const places = agents * links;

/** Numbers of one seed, 0 up to 1 (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const unreachable = () =>
  new DialError('connect ECONNREFUSED', {
    code: 'dial_failed',
    scope: 'link',
    initiator: 'local',
    answer: undefined,
  });

/** When each dial came, in ms since the loss, and when the last place was served. */
async function outage(
  awayMs: number,
  random: () => number,
): Promise<{ dialsMs: number[]; allBackMs: number }> {
  const clock = new HandClock();
  const startMs = clock.nowMs();
  const stop = new AbortController();
  const dialsMs: number[] = [];
  let served = 0;
  let allBackMs = Number.NaN;
  const connect = (signal: AbortSignal): Promise<never> => {
    const nowMs = clock.nowMs() - startMs;
    dialsMs.push(nowMs);
    if (nowMs < awayMs) return Promise.reject(unreachable());
    served += 1;
    if (served === places) allBackMs = nowMs;
    // Served from here on: this place dials no more.
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(unreachable())));
  };
  const kept = Array.from({ length: places }, () => {
    const place = new Place({ backoff: new Backoff(random), clock, connect, onFailure: () => undefined });
    return place.keep(stop.signal);
  });
  // Nobody has dialled yet when a link is lost: what comes first is a pause, so the dials of the start do not count.
  await turns(2);
  dialsMs.length = 0;
  const isOver = (): boolean => served === places || clock.nowMs() - startMs > awayMs + 120_000;
  while (!isOver()) {
    clock.advance(Math.max(1, Math.min(10, clock.untilNextMs)));
    // oxlint-disable-next-line no-await-in-loop -- time goes step by step
    await new Promise((resolve) => setImmediate(resolve));
  }
  stop.abort();
  await Promise.all(kept);
  return { dialsMs, allBackMs };
}

/** The most dials in any second that begins in `fromMs` up to `untilMs`. */
function busiestSecond(dialsMs: readonly number[], fromMs: number, untilMs = Infinity): number {
  let most = 0;
  let last = 0;
  for (const [first, ms] of dialsMs.entries()) {
    while (last < dialsMs.length && (dialsMs[last] ?? 0) < ms + 1_000) last += 1;
    if (ms >= fromMs && ms < untilMs) most = Math.max(most, last - first);
  }
  return most;
}

test('a second away: back within ten, four dials a place at most', async (t) => {
  const { dialsMs, allBackMs } = await outage(1_000, numbers(1));
  t.ok(busiestSecond(dialsMs, 0) < 4 * places, `busiest second ${busiestSecond(dialsMs, 0)}`);
  t.ok(allBackMs < 10_000, `all are back after ${allBackMs} ms`);
  t.ok(dialsMs.length < 8 * places, `${dialsMs.length} dials`);
});

test('a minute away: the proxy that comes back sees under 300 dials a second, and all are back within 15 s', async (t) => {
  const awayMs = 60_000;
  const { dialsMs, allBackMs } = await outage(awayMs, numbers(2));
  const [whileAway, onReturn] = [busiestSecond(dialsMs, 30_000), busiestSecond(dialsMs, awayMs)];
  t.ok(whileAway < 300, `busiest second while it is away: ${whileAway}`);
  t.ok(onReturn < 200, `busiest second when it is back: ${onReturn}`);
  t.ok(allBackMs < awayMs + 15_010, `all are back ${allBackMs - awayMs} ms later`);
});

test('the measure can fail: agents without jitter come in step', async (t) => {
  const { dialsMs } = await outage(60_000, () => 0.999);
  t.ok(busiestSecond(dialsMs, 60_000) >= places, `${busiestSecond(dialsMs, 60_000)} in one second`);
});
