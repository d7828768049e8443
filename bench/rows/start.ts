/** How long it takes until a tunnel serves: from the start of its agent, and from the death of its proxy. */
import { serves } from '../load/probe.ts';
import { Unavailable } from '../machine/tools.ts';
import { until } from '../machine/waiting.ts';
import type { Row, Sample } from './row.ts';
import type { Ends, Target } from '../targets/target.ts';

const serveWithinMs = 30_000;
const common = { unit: 'ms', backend: 'nginx', place: 'near', isFresh: true, needsProcesses: true } as const;

export const agentStartRow: Row = {
  ...common,
  name: 'start-agent',
  title: 'from the start of the agent to the first request served',
  async measure(target): Promise<Sample> {
    const ends = endsOf(target);
    await ends.stopAgent();
    const startMs = performance.now();
    await ends.startAgent();
    await served(target);
    return { figure: performance.now() - startMs };
  },
};

export const proxyRestartRow: Row = {
  ...common,
  name: 'restart-proxy',
  title: 'from killing the proxy, started again at once, to the first request served',
  async measure(target): Promise<Sample> {
    const ends = endsOf(target);
    const startMs = performance.now();
    await ends.killProxy();
    await ends.startProxy();
    await served(target);
    return { figure: performance.now() - startMs };
  },
};

function endsOf({ ends }: Target): Ends {
  if (ends === undefined) throw new Unavailable('it has no two ends that this run has started');
  return ends;
}

async function served(target: Target): Promise<void> {
  await until(
    serveWithinMs,
    () => `an answer at ${target.url.href}`,
    async () => (await serves(target.url)) || undefined,
  );
}
