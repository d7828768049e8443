/** An RST done for which nobody can wait: it goes along with what is said next, or alone a moment later. Time is moved by hand. */
import { test } from 'tap';
import type { Test } from 'tap';
import { resetCode } from '../../shared/mux/codes.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { HandClock } from './hand-clock.ts';
import { linkPair, type LinkSide } from './links.ts';
import { turns, until } from './until.ts';

interface Pair {
  readonly clock: HandClock;
  readonly agent: LinkSide;
  readonly proxy: LinkSide;
  /** Of the proxy's, heard by the agent. */
  readonly stream: MuxStream;
}

/** The proxy's time stands still. */
async function pair(t: Test): Promise<Pair> {
  const clock = new HandClock();
  const { agent, proxy } = await linkPair(t, { proxy: { clock } });
  const stream = proxy.open();
  stream.write(Buffer.from('hello'));
  await agent.stream();
  await turns();
  return { clock, agent, proxy, stream };
}

test('alone, it goes 2 ms later and not before', async (t) => {
  const { clock, agent, proxy, stream } = await pair(t);
  const { bytesWritten } = proxy.ends.socket;
  stream.reset(resetCode.done);
  await turns();
  clock.advance(1);
  await turns();
  t.equal(proxy.ends.socket.bytesWritten, bytesWritten, 'nothing is said');
  t.equal(proxy.link.session.patientCount, 1);
  clock.advance(1);
  // By nothing else: a ping that the agent sends some time would take it along as well.
  await turns();
  t.equal(proxy.link.session.patientCount, 0);
  await until('the agent has heard', () => agent.link.session.streamCount === 0);
  t.equal(proxy.link.session.streamCount, 0);
  t.ok(clock.untilNextMs > 1_000, 'no timer is left of it');
});

test('it goes along with the next stream, and one timer does for all', async (t) => {
  const { clock, agent, proxy, stream } = await pair(t);
  const timers = clock.waitingCount;
  let last = stream;
  for (let count = 0; count < 5; count += 1) {
    last.reset(resetCode.done);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await turns();
    t.equal(agent.link.session.streamCount, 1);
    last = proxy.open();
    last.write(Buffer.from('hello'));
    // oxlint-disable-next-line no-await-in-loop
    await agent.stream(count + 2);
    t.equal(agent.link.session.streamCount, 1, 'the one before has left');
    t.equal(clock.waitingCount, timers + 1);
  }
});

test('where another stream is open it goes at once', async (t) => {
  const { agent, proxy, stream } = await pair(t);
  proxy.open().write(Buffer.from('hello'));
  await agent.stream(2);
  stream.reset(resetCode.done);
  await until('the agent has heard', () => agent.link.session.streamCount === 1);
});

test('a link that closes takes it along, and leaves no timer', async (t) => {
  const { clock, agent, proxy, stream } = await pair(t);
  stream.reset(resetCode.done);
  proxy.link.close(1000, 'over');
  await agent.ended.promise;
  await proxy.ended.promise;
  t.same(agent.user.events, ['stream 2', 'reset 2 done']);
  t.equal(clock.waitingCount, 0);
});
