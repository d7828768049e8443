/** Links that come and go: introduced, replaced before they end, drained when the agent stops. */
/* oxlint-disable no-await-in-loop -- one link after the other */
import { test } from 'tap';
import { patienceMs } from '../e2e/support/deadline.ts';
import type { LinkSide } from '../transport/links.ts';
import { turns, until } from '../transport/until.ts';
import { connect, type Connecting, hello, pauseMs } from './connecting.ts';
import { StubProxy, welcome } from './stub-proxy.ts';

const text = Buffer.from('hello');

async function isUp(connecting: Connecting, count: number): Promise<void> {
  await until(
    `${count} are up`,
    () => connecting.logged(/^link up node=stub urls=\["http:\/\/stub\.test\/"\]$/) === count,
  );
}

/** A stream that the proxy opens on its end of a link. */
function ask({ link, user }: LinkSide) {
  const stream = link.open(user);
  stream?.write(text);
  return stream;
}

test('as many links as it was told, each introduced by hello before all else', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy, { links: 3 });
  await isUp(connecting, 3);
  t.equal(connecting.connector.linkCount, 3);
  for (const { events } of proxy.sides) t.same(JSON.parse(events[0]?.replace('control ', '') ?? ''), hello);
  t.equal(proxy.sides.length, 3);
});

test('a lost link is dialled again; one that lived for 10 s was a good one, and the next dial begins anew', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy);
  let links = 0;
  const lose = async (livedMs: number): Promise<number> => {
    const side = await proxy.side((links += 1));
    await isUp(connecting, links);
    connecting.clock.advance(livedMs);
    side.ends.socket.destroy();
    await until('it is down', () => connecting.logged(/^link down code=1006/) === links);
    const delayMs = await pauseMs(connecting, links);
    connecting.clock.advance(delayMs);
    return delayMs;
  };
  t.same(
    [
      await lose(0),
      await lose(9_000),
      await lose(9_900),
      await lose(10_000),
      await lose(0),
      await lose(60_000 / 8),
    ],
    [125, 250, 500, 125, 250, 500],
  );
});

test('the health of the backend is said on every link, and on those to come', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy, { links: 2 });
  await isUp(connecting, 2);
  connecting.connector.tellHealth(false, 'refused');
  const sick = 'control {"kind":"health","serving":false,"why":"refused"}';
  await Promise.all(proxy.sides.map((side) => side.event(sick)));
  proxy.sides[0]?.link.terminate();
  await until('it is down', () => connecting.logged(/^link down/) === 1);
  connecting.clock.advance(15_000);
  const fresh = await proxy.side(3);
  await fresh.event(sick);
  t.match(fresh.events[0], /"hello"/, 'behind the hello');
  connecting.connector.tellHealth(true, undefined);
  await fresh.event('control {"kind":"health","serving":true}');
});

test('make before break: a link that the proxy sends away serves until another is up, then ends when idle', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy);
  const old = await proxy.side(1);
  await isUp(connecting, 1);
  connecting.clock.advance(10_000);
  proxy.welcomes = false;
  const open = ask(old);
  old.link.goAway();
  const fresh = await proxy.side(2);
  t.equal(connecting.connector.linkCount, 2);
  const late = ask(old);
  await until('it is served all the same', () => connecting.user.received.get(late?.id ?? 0) === text.length);
  t.same(old.events.slice(1), [], 'it has not been left: the other is not up yet');
  welcome(fresh);
  await isUp(connecting, 2);
  const last = ask(old);
  await until(
    'it still serves: the proxy ends it',
    () => connecting.user.received.get(last?.id ?? 0) === text.length,
  );
  last?.reset(1);
  // In steps, so that the links hear each other's pings meanwhile.
  for (let seconds = 0; seconds < 60; seconds += 5) {
    connecting.clock.advance(5_000);
    await turns(5);
  }
  await old.event('goaway 0');
  t.equal(ask(old), undefined, 'now it is');
  ask(fresh);
  const served = () => connecting.user.events.filter((event) => event.startsWith('stream ')).length;
  await until('the fresh one serves', () => served() === 4);
  connecting.clock.advance(5_000);
  await turns();
  t.ok(old.link.isOpen, 'an exchange is open on it');
  open?.reset(1);
  late?.reset(1);
  await turns(10);
  connecting.clock.advance(50);
  t.match(await old.ended.promise, { code: 1000, reason: 'replaced' });
  await until('it is forgotten', () => connecting.connector.linkCount === 1);
  t.ok(fresh.link.isOpen);
});

test('a proxy that sends each link away at once is not dialled in a loop', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy);
  const delays: number[] = [];
  for (let number = 1; number <= 5; number++) {
    const side = await proxy.side(number);
    await isUp(connecting, number);
    const waiting = connecting.clock.waitingCount;
    side.link.goAway();
    await until('the pause before the next dial', () => connecting.clock.waitingCount > waiting);
    const before = connecting.dials();
    for (let ms = 0; connecting.dials() === before && ms < 20_000; ms += 25) {
      connecting.clock.advance(25);
      delays[number] = ms + 25;
      await turns(3);
    }
    t.equal(connecting.dials(), before + 1);
  }
  t.ok(
    delays.slice(2).every((delayMs, i) => delayMs > (delays[i + 1] ?? 0)),
    delays.slice(1).join(' ms, '),
  );
});

test('the one that was sent away is lost before another is up: nothing is left of it', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy);
  const old = await proxy.side(1);
  await isUp(connecting, 1);
  connecting.clock.advance(10_000);
  proxy.refusal = { status: 503 };
  old.link.goAway();
  await until('the dial fails', () => connecting.dials() === 2);
  old.link.terminate();
  await until('it is down', () => connecting.logged(/^link down/) === 1);
  proxy.refusal = undefined;
  connecting.clock.advance(await pauseMs(connecting, 2));
  await isUp(connecting, 2);
  t.equal(connecting.connector.linkCount, 1);
});

test('a proxy that stops cannot be dialled for long: once it is gone, its successor is dialled as if for the first time', async (t) => {
  const proxy = await StubProxy.listen(t);
  let isThere = true;
  const nowhere = `ws://127.0.0.1:1/`;
  const connecting = connect(t, proxy, { url: () => (isThere ? proxy.url : nowhere) });
  const old = await proxy.side(1);
  await isUp(connecting, 1);
  connecting.clock.advance(10_000);
  isThere = false;
  old.link.goAway();
  const lastPauseMs = (): number =>
    Number(
      /retryInMs=(\d+)/.exec(connecting.lines.findLast((line) => line.includes('retryInMs')) ?? '')?.[1],
    );
  for (let dials = 2; dials <= 8; dials += 1) {
    await until(`dial ${dials} fails`, () => connecting.logged(/^cannot reach the proxy/) === dials - 1);
    if (dials === 8) break;
    // In steps, so that the links hear each other's pings meanwhile.
    for (let ms = 0; ms <= lastPauseMs() + 250 && connecting.dials() < dials + 1; ms += 250) {
      connecting.clock.advance(250);
      await turns(3);
    }
  }
  t.ok(old.link.isOpen, 'it serves all the time');
  t.equal(lastPauseMs(), 7_500, 'and the pauses have grown');
  isThere = true;
  old.link.terminate();
  await until('it is down', () => connecting.logged(/^link down/) === 1);
  await turns(5);
  connecting.clock.advance(125);
  await isUp(connecting, 2);
});

test('stop: what is open finishes, what was on its way is served, then nothing more, and each link ends in order', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy, { links: 2 });
  const [side, other] = [await proxy.side(1), await proxy.side(2)];
  await isUp(connecting, 2);
  const open = ask(side);
  await until('it is served', () => connecting.user.streams.size === 1);
  // The proxy has not read yet that the agent stops: a stream that it opens now crosses the word.
  for (const { ends } of [side, other]) ends.socket.pause();
  let hasStopped = false;
  const stopping = connecting.connector.stop(AbortSignal.timeout(patienceMs)).then(() => (hasStopped = true));
  await turns(5);
  const [crossing, crossingElsewhere] = [ask(side), ask(other)];
  const served = (): number => connecting.user.events.filter((event) => event.startsWith('stream ')).length;
  await until('they are served', () => served() === 3);
  connecting.clock.advance(1_000);
  await turns(5);
  t.strictSame(
    [side, other].map(({ events }) => events.slice(1)),
    [[], []],
    'it waits to be heard',
  );
  for (const { ends } of [side, other]) ends.socket.resume();
  await Promise.all([side, other].map((one) => one.event(/^control .*"stopping":true/)));
  await turns(10);
  connecting.clock.advance(50);
  await Promise.all([side, other].map((one) => one.event('goaway 0')));
  t.strictSame([ask(side), ask(other)], [undefined, undefined]);
  t.notOk(crossing?.isReset === true || crossingElsewhere?.isReset === true, 'nothing was refused');
  crossing?.reset(1);
  crossingElsewhere?.reset(1);
  await turns(10);
  connecting.clock.advance(50);
  t.match(await other.ended.promise, { code: 1000, reason: 'the agent stops' });
  connecting.clock.advance(5_000);
  await turns(10);
  t.notOk(hasStopped, 'an exchange is open');
  open?.reset(1);
  await turns(10);
  connecting.clock.advance(50);
  await stopping;
  t.match(await side.ended.promise, { code: 1000, reason: 'the agent stops' });
  t.same([connecting.connector.linkCount, connecting.clock.waitingCount], [0, 0]);
});

test('stop: a proxy that does not hear it is left after two seconds where nothing is open', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy);
  const side = await proxy.side(1);
  await isUp(connecting, 1);
  side.ends.socket.pause();
  const stopping = connecting.connector.stop(AbortSignal.timeout(patienceMs));
  await turns(5);
  connecting.clock.advance(1_900);
  t.equal(connecting.connector.linkCount, 1);
  connecting.clock.advance(150);
  side.ends.socket.resume();
  await stopping;
  t.match(await side.ended.promise, { code: 1000, reason: 'the agent stops' });
});

test('stop, and the time to drain is over: what is open is reset, all ends now', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy, { links: 2 });
  const side = await proxy.side(1);
  await isUp(connecting, 2);
  const open = ask(side);
  await until('it is served', () => connecting.user.streams.size === 1);
  const deadline = new AbortController();
  const stopping = connecting.connector.stop(deadline.signal);
  await side.event(/^control .*"stopping":true/);
  deadline.abort();
  await stopping;
  await until('the proxy sees it end', () => open?.isReset === true);
  t.equal(connecting.connector.linkCount, 0);
});

test('stopped before its first dial has ended: a link that comes of it is closed again', async (t) => {
  const proxy = await StubProxy.listen(t);
  proxy.welcomes = false;
  for (const deadline of [AbortSignal.abort(), AbortSignal.timeout(patienceMs)]) {
    const connecting = connect(t, proxy);
    await connecting.connector.stop(deadline);
    t.same([connecting.connector.linkCount, connecting.clock.waitingCount], [0, 0]);
  }
});

test('an exchange goes to whoever serves, and an agent that is asked to open none opens none', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy);
  const side = await proxy.side(1);
  await isUp(connecting, 1);
  connecting.user.react = (event, stream) => event === 'data' && void stream.write(Buffer.from('answer'));
  const stream = ask(side);
  await until('the answer', () => side.user.received.get(stream?.id ?? 0) === 6);
  t.equal(side.user.streams.size, 0);
});
