/** Silence, pings, round trips and death. */
import { test } from 'tap';
import { MuxSession } from '../../shared/mux/session.ts';
import { Pair } from './pair.ts';
import { Recorder } from './recorder.ts';
import { framesOf, header, takeAll } from './wire.ts';

test('silence: a ping after 10 s, whose answer is life and measures the round trip', (t) => {
  const pair = new Pair({ latencyMs: 20, server: { pingAfterMs: 1_000_000, deadAfterMs: 2_000_000 } });
  t.equal(pair.client.session.rttMs, undefined);
  pair.run(9_999);
  t.same(pair.client.said, []);
  pair.run(10_000);
  t.same(pair.client.said, ['ping SYN 1']);
  pair.run(10_040);
  t.same(pair.server.said, ['ping ACK 1']);
  t.equal(pair.client.session.rttMs, 40);
  t.equal(pair.client.session.nextDeadlineMs, 20_040);
  pair.run(60_000);
  t.same(pair.client.said, ['ping SYN 1', 'ping SYN 2', 'ping SYN 3', 'ping SYN 4', 'ping SYN 5']);
  t.end();
});

test('dead after 20 s without a byte, one ping before it', (t) => {
  const pair = new Pair();
  pair.isDown = true;
  pair.run(19_999);
  t.same(pair.client.said, ['ping SYN 1']);
  t.equal(pair.client.session.tick(19_999), 'alive');
  t.equal(pair.client.session.nextDeadlineMs, 20_000);
  t.equal(pair.client.session.tick(20_000), 'dead');
  t.end();
});

test('any byte is life, half a header too', (t) => {
  const session = new MuxSession({ role: 'client', nowMs: 0, handler: new Recorder(), random: () => 0.5 });
  session.receive(new Uint8Array(1), 15_000);
  t.equal(session.nextDeadlineMs, 25_000);
  t.equal(session.tick(34_999), 'alive');
  t.equal(session.tick(35_000), 'dead');
  t.end();
});

test('a tick that comes late still says so', (t) => {
  const session = new MuxSession({ role: 'client', nowMs: 0, handler: new Recorder() });
  t.equal(session.tick(25_000), 'dead');
  t.end();
});

function due(random: number): number {
  const options = { nowMs: 0, handler: new Recorder(), random: () => random };
  return new MuxSession({ role: 'client', ...options }).nextDeadlineMs;
}

test('pings are jittered by 10 % either way', (t) => {
  t.equal(due(0), 9_000);
  t.equal(due(0.5), 10_000);
  t.ok(due(0.999_999) > 10_999 && due(0.999_999) < 11_000);
  t.end();
});

test('only the latest ping counts, and each answer once', (t) => {
  const session = new MuxSession({ role: 'client', nowMs: 0, handler: new Recorder(), random: () => 0.5 });
  session.tick(10_000);
  t.same(framesOf(takeAll(session)), ['ping SYN 1']);
  session.receive(header(2, 2, 0, 5), 10_010);
  t.equal(session.rttMs, undefined);
  session.receive(header(2, 2, 0, 1), 10_030);
  t.equal(session.rttMs, 30);
  session.receive(header(2, 2, 0, 1), 10_090);
  t.equal(session.rttMs, 30);
  t.end();
});

test('asked: the answer says that all before it has been heard, and comes once', (t) => {
  const pair = new Pair({ latencyMs: 30 });
  t.ok(pair.client.session.isAnswered, 'nothing was asked');
  pair.run(5_000);
  pair.client.session.goAway(0);
  pair.client.session.ask(5_000);
  t.notOk(pair.client.session.isAnswered);
  pair.run(5_059);
  t.same(pair.client.said, ['goaway 0', 'ping SYN 1'], 'behind what it asks about');
  t.same(pair.server.user.events, ['goaway 0']);
  t.notOk(pair.client.session.isAnswered);
  pair.run(5_060);
  t.ok(pair.client.session.isAnswered);
  t.equal(pair.client.session.rttMs, 60, 'from when it was asked, however long nothing was said before');
  pair.client.session.close(0);
  pair.client.session.ask(5_060);
  t.ok(pair.client.session.isAnswered, 'a closed session asks nobody');
  t.end();
});

test('asked while another ping is under way: its answer is not the one; a later one is', (t) => {
  const session = new MuxSession({ role: 'client', nowMs: 0, handler: new Recorder(), random: () => 0.5 });
  session.tick(10_000);
  t.same(framesOf(takeAll(session)), ['ping SYN 1']);
  session.ask(10_000);
  session.receive(header(2, 2, 0, 1), 10_010);
  t.notOk(session.isAnswered);
  t.same(framesOf(takeAll(session)), ['ping SYN 2']);
  session.tick(20_500);
  t.same(framesOf(takeAll(session)), ['ping SYN 3'], 'silence again');
  t.notOk(session.isAnswered);
  session.receive(header(2, 2, 0, 3), 20_510);
  t.ok(session.isAnswered);
  t.end();
});
