/** Dials that fail: how long an agent waits, and what it says about it. */
/* oxlint-disable no-await-in-loop -- one dial after the other */
import { test } from 'tap';
import { patienceMs } from '../e2e/support/deadline.ts';
import { until } from '../transport/until.ts';
import { connect, pauseMs } from './connecting.ts';
import { StubProxy } from './stub-proxy.ts';

test('nobody is there: full jitter, 250 ms doubling to 15 s, for ever', async (t) => {
  const proxy = await StubProxy.listen(t);
  proxy.close();
  const connecting = connect(t, proxy);
  for (const [i, ceilingMs] of [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000].entries()) {
    t.equal(await pauseMs(connecting, i + 1), ceilingMs / 2);
    connecting.clock.advance(ceilingMs / 2 - 1);
    t.equal(connecting.dials(), i + 1, 'not before');
    connecting.clock.advance(1);
  }
  t.ok(
    connecting.lines.every((line) =>
      /^cannot reach the proxy reason=.*ECONNREFUSED.* retryInMs=\d+$/.test(line),
    ),
  );
});

for (const status of [401, 403, 409]) {
  test(`${status} is said once, plainly, and tried again slowly`, async (t) => {
    const proxy = await StubProxy.listen(t);
    proxy.refusal = { status, reason: 'the token is not for this', retryAfter: '1' };
    const connecting = connect(t, proxy);
    for (let i = 1; i <= 4; i++) {
      t.equal(await pauseMs(connecting, i), 22_500);
      connecting.clock.advance(22_500);
    }
    await pauseMs(connecting, 5);
    t.same(connecting.lines, [`refused by the proxy status=${status} reason=the token is not for this`]);
    proxy.refusal = { status, reason: 'another reason' };
    connecting.clock.advance(22_500);
    await pauseMs(connecting, 6);
    t.equal(
      connecting.lines.at(-1),
      `refused by the proxy status=${status} reason=another reason`,
      'said when it changes',
    );
    proxy.refusal = undefined;
    connecting.clock.advance(22_500);
    await until('it is let in', () => connecting.logged(/^link up/) === 1);
    t.equal(connecting.lines.length, 3);
    t.match(proxy.asked[0], {
      authorization: 'Bearer the-token',
      target: /\?backend=default&host=a\.example\.com$/,
    });
  });
}

test('after it was let in, the same refusal is news again', async (t) => {
  const proxy = await StubProxy.listen(t);
  const connecting = connect(t, proxy);
  const side = await proxy.side(1);
  await until('it is up', () => connecting.logged(/^link up/) === 1);
  for (let i = 0; i < 2; i++) {
    proxy.refusal = { status: 403, reason: 'no more' };
    (proxy.sides.at(-1) ?? side).link.terminate();
    await until('it is down', () => connecting.logged(/^link down/) === i + 1);
    connecting.clock.advance(15_000);
    await until('it is told', () => connecting.logged(/^refused by the proxy/) === i + 1);
    proxy.refusal = undefined;
    connecting.clock.advance(30_000);
    await until('it is up again', () => connecting.logged(/^link up/) === i + 2);
  }
});

const asked: [retryAfter: string, firstMs: number][] = [
  ['7', 7_125],
  ['0', 125],
  ['-5', 125],
  ['', 125],
  ['1e9', 125],
  ['1000000000', 300_125],
  ['99999999999999999999', 300_125],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 125],
  ['Fri, 31 Dec 9999 23:59:59 GMT', 300_125],
];
for (const [retryAfter, firstMs] of asked) {
  test(`Retry-After: ${retryAfter} is waited for, within five minutes, and never a loop`, async (t) => {
    const proxy = await StubProxy.listen(t);
    proxy.refusal = { status: 503, reason: 'busy', retryAfter };
    const connecting = connect(t, proxy);
    const first = await pauseMs(connecting, 1);
    t.equal(first, firstMs);
    connecting.clock.advance(first);
    t.ok((await pauseMs(connecting, 2)) >= 250, 'longer each time');
    t.equal(connecting.logged(/^refused by the proxy status=503/), 1);
  });
}

test('a status that gives no time is backed off from', async (t) => {
  const proxy = await StubProxy.listen(t);
  proxy.refusal = { status: 502 };
  const connecting = connect(t, proxy);
  t.equal(await pauseMs(connecting, 1), 125);
  connecting.clock.advance(125);
  t.equal(await pauseMs(connecting, 2), 250);
});

test('a proxy that lets in and says nothing is left after 10 s', async (t) => {
  const proxy = await StubProxy.listen(t);
  proxy.welcomes = false;
  const connecting = connect(t, proxy);
  const side = await proxy.side(1);
  connecting.clock.advance(9_999);
  t.ok(side.link.isOpen);
  connecting.clock.advance(1);
  t.match(await side.ended.promise, { code: 1001, reason: 'no welcome' });
  await until('it is told', () => connecting.logged(/^link down code=1001/) === 1);
  t.equal(await pauseMs(connecting, 1), 125);
  connecting.clock.advance(125);
  await proxy.side(2);
  connecting.clock.advance(10_000);
  t.equal(await pauseMs(connecting, 2), 250, 'that was no good link, however long it took');
});

for (const [code, reason, leastMs] of [
  [1002, 'because', 22_500],
  [1008, 'because', 22_500],
  [1008, 'token_revoked', 22_500],
  // There may be a fresh one.
  [1008, 'token_expired', 125],
  [1001, 'because', 125],
  [1012, 'because', 125],
  [1013, 'because', 125],
] as const) {
  test(`a link that the proxy closes with ${code} (${reason}) is dialled again after ${leastMs} ms`, async (t) => {
    const proxy = await StubProxy.listen(t);
    const connecting = connect(t, proxy);
    const side = await proxy.side(1);
    await until('it is up', () => connecting.logged(/^link up/) === 1);
    side.link.close(code, reason);
    await until('it is down', () => connecting.lines.includes(`link down code=${code} reason=${reason}`));
    t.equal(await pauseMs(connecting, 1), leastMs);
  });
}

test('what is no control message ends the link with 1002 and its name', async (t) => {
  const proxy = await StubProxy.listen(t);
  proxy.welcomes = false;
  const connecting = connect(t, proxy);
  const side = await proxy.side(1);
  side.link.sendControl('{"kind":"welcome"');
  t.match(await side.ended.promise, { code: 1002, reason: 'control_malformed' });
  t.equal(await pauseMs(connecting, 1), 22_500);
});

test('stopped while it dials or waits: it stops at once', async (t) => {
  const proxy = await StubProxy.listen(t);
  proxy.refusal = { status: 403 };
  const waiting = connect(t, proxy, { links: 3 });
  await until('all three wait', () => waiting.dials() === 3 && waiting.clock.waitingCount === 3);
  await waiting.connector.stop(AbortSignal.timeout(patienceMs));
  t.equal(waiting.clock.waitingCount, 0);
  const dialling = connect(t, proxy);
  await dialling.connector.stop(AbortSignal.timeout(patienceMs));
  t.equal(dialling.dials(), 1);
  t.equal(dialling.logged(/cannot reach/), 0, 'which is no failure');
});
