/**
 * That the load of the chaos run can see what it is there for: the same load, with nothing of the product in its way but a
 * relay or a backend that goes wrong on purpose.
 */
import { test, type Test } from 'tap';
import { Balancer } from '../e2e/support/balancer.ts';
import { patienceMs } from '../e2e/support/deadline.ts';
import { Program, says } from '../e2e/support/program.ts';
import { Random } from '../fuzz/random.ts';
import { downloads } from './load/downloads.ts';
import { type Load, runLoads } from './load/load.ts';
import { loads as allLoads } from './loads.ts';
import { pause } from './member.ts';
import type { Verdict } from './outcome.ts';
import { Tally } from './tally.ts';

interface Fault {
  readonly what: string;
  readonly verdict: Verdict;
  readonly limitMs?: number;
  /** Instead of all kinds. */
  readonly loads?: readonly Load[];
  begin(balancer: Balancer, backend: Program): void;
}

const faults: readonly Fault[] = [
  { what: 'a bit turned', verdict: 'wrong', begin: (balancer) => (balancer.fault = 'corrupt') },
  { what: 'every connection cut', verdict: 'broken', begin: (balancer) => balancer.cut() },
  {
    what: 'nothing forwarded any more',
    verdict: 'hung',
    limitMs: 1_000,
    begin: (balancer) => balancer.halfOpen(),
  },
  {
    // Its kernel ends its connections in order: answers that end with the connection look whole.
    what: 'the backend killed, and no proxy to say that the answer was cut',
    verdict: 'short',
    // One in six can be cut in silence: of so many, some are under way.
    loads: [{ ...downloads, workers: 60 }],
    begin: (_balancer, backend) => backend.signal('SIGKILL'),
  },
];

for (const fault of faults) {
  test(`the load sees it: ${fault.what}, ${fault.verdict}`, async (t) => {
    const tally = await loadWithout(t, fault);
    for (const line of tally.details()) t.comment(line);
    t.ok(tally.count('right') > 0, 'before that all was right');
    t.ok(tally.count(fault.verdict) > 0, fault.verdict);
  });
}

/** The load, with a relay between it and the backend, and the fault after a second. */
async function loadWithout(t: Test, fault: Fault): Promise<Tally> {
  const { limitMs = patienceMs, loads = allLoads } = fault;
  const backend = Program.start(t, 'test/chaos/backend.ts', { measured: true });
  const { port } = await backend.line(says('listening'));
  const balancer = await Balancer.listen(t, [Number(port)]);
  const tally = new Tally(loads.map(({ kind }) => kind));
  const enough = new AbortController();
  const random = new Random(1);
  const client = () => ({
    target: balancer,
    random: new Random(random.next()),
    limitMs,
    proxyKills: () => 0,
    record: (kind: string, outcome: Parameters<Tally['add']>[1]) => tally.add(kind, outcome),
  });
  const loading = runLoads(loads, client, enough.signal);
  await pause(1_500);
  fault.begin(balancer, backend);
  await pause(500);
  enough.abort();
  await loading;
  return tally;
}
