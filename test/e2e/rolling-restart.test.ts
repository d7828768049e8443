/**
 * Two proxies behind one plain balancer, two agents at each, and every one of the six restarted in turn while clients send
 * small requests, uploads, downloads, event streams and WebSockets: no request fails, and a WebSocket that has to
 * go is told so.
 */
/* oxlint-disable no-await-in-loop -- one after the other is what is tested */
import { test } from 'tap';
import { loads } from '../chaos/loads.ts';
import { runLoads } from '../chaos/load/load.ts';
import { Stage } from '../chaos/stage.ts';
import { Tally } from '../chaos/tally.ts';
import { Random } from '../fuzz/random.ts';
import { productOnly } from './support/tunnel.ts';

test('proxies and agents restarted one by one under load: nobody notices', productOnly, async (t) => {
  const stage = await Stage.create(t);
  const tally = new Tally(loads.map(({ kind }) => kind));
  const enough = new AbortController();
  let workers = 0;
  const loading = runLoads(
    loads,
    () => {
      workers += 1;
      return {
        target: stage.balancer,
        random: new Random(workers),
        limitMs: 20_000,
        proxyKills: () => 0,
        record: (kind, outcome) => tally.add(kind, outcome),
      };
    },
    enough.signal,
  );
  for (const member of stage.members) {
    const startMs = performance.now();
    await stage.restart(member);
    t.comment(`${member.name}: restarted in ${(performance.now() - startMs).toFixed(0)} ms`);
  }
  enough.abort();
  await loading;
  for (const line of [...tally.table(), ...tally.details()]) t.comment(line);
  for (const verdict of ['broken', 'short', 'hung', 'wrong'] as const)
    t.equal(tally.count(verdict), 0, verdict);
  for (const kind of tally.kinds) t.ok(tally.count('right', kind) > 0, `${kind}: some were answered`);
  t.ok(tally.count('told', 'websocket') > 0, 'WebSockets were told to go');
  t.strictSame(stage.faults, [], 'every program ended with 0');
  t.equal(await stage.backendFaults(), 0, 'no upload came to a clean end before its end');
});
