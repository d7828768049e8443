/** What pings measure: the round trip as it is now, and that of the path without its queues. */
import { test } from 'tap';
import { Heartbeat } from '../../shared/mux/heartbeat.ts';

/** One measurement each, 20 s apart: the last round trip, and what the path is believed to be. */
function measure(roundTripsMs: readonly number[]): { rttMs: number | undefined; pathMs: number | undefined } {
  const heartbeat = new Heartbeat(10_000, 20_000, () => 0.5, 0);
  let nowMs = 0;
  for (const roundTripMs of roundTripsMs) {
    nowMs += 20_000;
    heartbeat.heard(nowMs);
    heartbeat.wantRoundTrip();
    heartbeat.measure();
    const value = heartbeat.takePing();
    heartbeat.heard(nowMs + roundTripMs);
    heartbeat.acceptAck(value);
  }
  return { rttMs: heartbeat.rttMs, pathMs: heartbeat.pathMs };
}

test('the path is as long as the shortest round trip: a busy line adds its queues', (t) => {
  t.same(measure([]), { rttMs: undefined, pathMs: undefined });
  t.same(measure([10]), { rttMs: 10, pathMs: 10 });
  t.same(measure([500, 10]), { rttMs: 10, pathMs: 10 }, 'what was measured under load is forgotten');
  t.same(measure([10, 500]), { rttMs: 500, pathMs: 10.2 }, 'and believed by 2 % each time');
  t.end();
});

test('a path that has become longer is believed in the end', (t) => {
  const { pathMs } = measure([10, ...Array.from({ length: 120 }, () => 100)]);
  t.equal(pathMs, 100);
  t.end();
});
