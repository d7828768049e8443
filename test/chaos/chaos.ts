/**
 * One run: warm up, note the memory, make trouble under load, let all come back, load once more in peace, compare, judge.
 * It knows the order of things and leaves each to its part.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { buildPrograms } from '../e2e/support/built.ts';
import type { Owner } from '../e2e/support/owner.ts';
import { Random } from '../fuzz/random.ts';
import { judge, memoryTable } from './judge.ts';
import { runLoads } from './load/load.ts';
import { loads } from './loads.ts';
import { Memory } from './memory.ts';
import { Stage } from './stage.ts';
import { Tally } from './tally.ts';
import { makeTrouble } from './trouble.ts';

export interface ChaosOptions {
  /** How long there is trouble. */
  readonly seconds: number;
  readonly seed: number;
  readonly isGraceful: boolean;
  readonly print: (line: string) => void;
}

/** What a link, a wait for an agent and a busy machine may take, on top of how long something was made to be away. */
const bounds = {
  /** A link without a sign of life is given up after 20 s, give or take a tenth. */
  deadLinkMs: 22_000,
  queueMs: 5_000,
  slackMs: 10_000,
} as const;

/** @returns a sentence for each thing that must not be */
export async function runChaos(owner: Owner, options: ChaosOptions): Promise<string[]> {
  const { seconds, seed, isGraceful, print } = options;
  const random = new Random(seed);
  const isLong = seconds >= 120;
  // In a short run nothing is away for as long as it takes to find a dead link.
  const longestMs = isLong ? 28_000 : 3_000;
  const limitMs = limitOf(longestMs);
  print(`chaos${isGraceful ? ', graceful only' : ''}: seed ${seed}, ${seconds} s, limit ${limitMs / 1000} s`);
  const stage = await Stage.create(owner, { built: await buildPrograms(owner) });
  const load = (tally: Tally, signal: AbortSignal): Promise<void> =>
    runLoads(
      loads,
      () => ({
        target: stage.balancer,
        random: new Random(random.next()),
        limitMs,
        proxyKills: () => stage.proxyKills,
        record: (kind, outcome) => tally.add(kind, outcome),
      }),
      signal,
    );

  // As long as it takes until more of the same load adds nothing, on a machine that does other things as well.
  const calmMs = Math.max(10_000, Math.min(20_000, seconds * 100));
  const memory = new Memory(stage.members, isLong ? 20_000 : 8_000);
  await load(emptyTally(), AbortSignal.timeout(calmMs));
  await memory.noteBefore();

  const tally = emptyTally();
  const loadEnd = new AbortController();
  const loading = load(tally, loadEnd.signal);
  const startMs = performance.now();
  const note = (line: string): void =>
    print(`${((performance.now() - startMs) / 1000).toFixed(1).padStart(7)} s  ${line}`);
  const trouble = await makeTrouble(
    { stage, random, isGraceful, longestMs, note },
    AbortSignal.timeout(seconds * 1000),
  );
  await stage.whole();
  // Who came back last serves some of it too.
  await sleep(500);
  loadEnd.abort();
  await loading;
  const calm = emptyTally();
  await load(calm, AbortSignal.timeout(calmMs));
  const rows = await memory.compare();
  stage.checkRunning();
  const { faults } = stage;
  const backendFaults = await stage.backendFaults();

  // Where nothing may fail, whatever did is worth a look.
  if (isGraceful) {
    for (const proxy of stage.proxies)
      for (const line of proxy.failureLines()) print(`${proxy.name}: ${JSON.stringify(line)}`);
  }
  for (const [what, count] of trouble) print(`${String(count).padStart(7)} × ${what}`);
  for (const line of [...tally.table(), ...tally.details()]) print(line);
  print('afterwards, in peace:');
  for (const line of [...calm.table(), ...calm.details(), ...memoryTable(rows)]) print(line);
  return judge({ isGraceful, tally, calm, memory: rows, faults, backendFaults });
}

/**
 * A request may find a proxy that is away, then a link that is dead, then (sent again) another one, and then wait for an
 * agent: more than that is a hang.
 */
function limitOf(longestMs: number): number {
  const linkMs = Math.min(longestMs, bounds.deadLinkMs);
  return longestMs + 2 * linkMs + bounds.queueMs + bounds.slackMs;
}

function emptyTally(): Tally {
  return new Tally(loads.map(({ kind }) => kind));
}
