/** What is told to dial at once: pauses end, dials begin anew, and links that may be lost have to prove themselves. */
import { createServer } from 'node:net';
import { test } from 'tap';
import { Wake } from '../../agent/connector/wake.ts';
import { listen } from '../e2e/support/listen.ts';
import { HandClock } from '../transport/hand-clock.ts';
import { turns, until } from '../transport/until.ts';
import { connect, pauseMs } from './connecting.ts';
import { StubProxy } from './stub-proxy.ts';

test('a pause is over at once, and the next one is short again', async (t) => {
  const proxy = await StubProxy.listen(t);
  proxy.refusal = { status: 401, reason: 'no' };
  const connecting = connect(t, proxy);
  t.equal(await pauseMs(connecting, 1), 22_500);
  proxy.refusal = { status: 502 };
  connecting.connector.dialNow();
  t.equal(await pauseMs(connecting, 2), 125, 'without any time having passed');
  proxy.refusal = undefined;
  connecting.connector.dialNow();
  await until('it is up', () => connecting.logged(/^link up/) === 1);
});

test('a dial that hangs on a network that is gone is given up for a new one, and no failure is told', async (t) => {
  const proxy = await StubProxy.listen(t);
  const deaf = createServer(() => undefined);
  const port = await listen(deaf);
  let arrived = 0;
  deaf.on('connection', (socket) => {
    arrived += 1;
    socket.on('error', () => undefined);
  });
  t.teardown(() => deaf.close());
  let isBack = false;
  const connecting = connect(t, proxy, {
    url: () => (isBack ? proxy.url : proxy.url.replace(String(proxy.port), String(port))),
  });
  await until('it waits for an answer', () => arrived === 1);
  isBack = true;
  connecting.connector.dialNow();
  await until('it is up', () => connecting.logged(/^link up/) === 1);
  t.equal(connecting.dials(), 2);
  t.same(
    connecting.lines.filter((line) => !line.startsWith('link up')),
    [],
  );
});

test('a link that lives is kept: it has answered', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy);
  const side = await proxy.side(1);
  await until('it is up', () => connecting.logged(/^link up/) === 1);
  connecting.connector.dialNow();
  const pings = side.link.session;
  connecting.clock.advance(2_999);
  await until('the ping has been heard', () => pings.heardMs > 0);
  await turns(20);
  connecting.clock.advance(1);
  await turns(20);
  t.equal(connecting.connector.linkCount, 1);
  t.equal(connecting.dials(), 1);
  // A later loss is an ordinary one: nothing is left of the hurry.
  side.ends.socket.destroy();
  t.equal(await pauseMs(connecting, 1), 125);
});

test('a link that is lost without a word ends after 3 s, not after 20, and is dialled again at once', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy);
  const side = await proxy.side(1);
  await until('it is up', () => connecting.logged(/^link up/) === 1);
  side.ends.socket.pause();
  connecting.connector.dialNow();
  await turns(20);
  connecting.clock.advance(2_999);
  await turns(20);
  t.equal(connecting.connector.linkCount, 1, 'not before');
  connecting.clock.advance(1);
  await until('it is up again', () => connecting.logged(/^link up/) === 2);
  t.equal(connecting.logged(/^link down code=4000/), 1);
});

/** Moves both clocks, or one of them. */
function waking() {
  const clock = new HandClock();
  let wallMs = 1_700_000_000_000;
  let wakes = 0;
  const wake = new Wake({ clock, wallMs: () => wallMs, onWake: () => (wakes += 1) });
  wake.start();
  const pass = (ms: number, wallOnlyMs = 0): number => {
    wallMs += ms + wallOnlyMs;
    clock.advance(ms);
    return wakes;
  };
  return { wake, clock, pass };
}

test('a clock that jumps is a machine that slept', (t) => {
  const { wake, clock, pass } = waking();
  for (let i = 0; i < 1_000; i++) pass(2_000);
  t.equal(pass(2_000), 0, 'an hour passes like any other');
  t.equal(pass(2_000, 4_999), 0, 'a clock that was set right');
  t.equal(pass(2_000, 5_000), 1);
  t.equal(pass(2_000), 1, 'once');
  t.equal(pass(2_000, 8 * 3_600_000), 2, 'a night');
  t.equal(pass(2_000, -3_600_000), 2, 'set back');
  t.equal(pass(2_000), 2);
  wake.stop();
  t.equal(clock.waitingCount, 0);
  t.end();
});

test('where the other clock sleeps not, its timer is late', (t) => {
  const clock = new HandClock();
  let nowMs = 0;
  let wakes = 0;
  const late = { nowMs: () => nowMs, after: clock.after.bind(clock) };
  const wake = new Wake({ clock: late, wallMs: () => 0, onWake: () => (wakes += 1) });
  wake.start();
  for (const [lateMs, expected] of [
    [2_000, 0],
    [6_999, 0],
    [7_000, 1],
    [2_000, 1],
  ] as const) {
    nowMs += lateMs;
    clock.advance(2_000);
    t.equal(wakes, expected, `after ${lateMs} ms`);
  }
  t.end();
});
