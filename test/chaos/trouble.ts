/**
 * The troublemakers: they kill, stop, cut off and restart what is on the stage, at random from a seed. Each leaves what it
 * touched working again, and never touches what another one is at. They know nothing of the load.
 */
/* oxlint-disable no-await-in-loop -- one trouble after the other, in each lane */
import type { Random } from '../fuzz/random.ts';
import { type Member, pause } from './member.ts';
import type { Agent, Stage } from './stage.ts';

export interface TroubleOptions {
  readonly stage: Stage;
  readonly random: Random;
  /** Only what an operator does: restarts in order, one at a time. */
  readonly isGraceful: boolean;
  /** The longest that anything is stopped or cut off. */
  readonly longestMs: number;
  readonly note: (line: string) => void;
}

interface Trouble {
  readonly what: string;
  readonly member: Member;
  run(): Promise<void>;
}

/** At the same time, where trouble is wanted. */
const lanes = 2;
/** Away after a kill: as long as a supervisor takes to start it again. */
const awayMs = { least: 100, most: 2_000 } as const;

/** Until `signal`; resolves when the last trouble is over. @returns how often there was which */
export async function makeTrouble(
  options: TroubleOptions,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const lane = async (): Promise<void> => {
    while (!signal.aborted) {
      const trouble = options.isGraceful ? restartOf(options) : troubleOf(options);
      if (trouble !== undefined) {
        counts.set(trouble.what, (counts.get(trouble.what) ?? 0) + 1);
        await go(trouble, options.note);
      }
      await pause(options.random.below(1_000));
    }
  };
  await Promise.all(Array.from({ length: options.isGraceful ? 1 : lanes }, lane));
  return counts;
}

async function go(trouble: Trouble, note: (line: string) => void): Promise<void> {
  const { what, member } = trouble;
  const startMs = performance.now();
  member.isBusy = true;
  try {
    await trouble.run();
  } finally {
    member.isBusy = false;
  }
  note(`${member.name}: ${what}, for ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
}

function restartOf({ stage, random }: TroubleOptions): Trouble {
  const member = random.pick(stage.members);
  return { what: 'restarted in order, and waited for', member, run: () => stage.restart(member) };
}

/** Undefined where all that it could go for is taken. */
function troubleOf(options: TroubleOptions): Trouble | undefined {
  const { stage, random } = options;
  const members = stage.members.filter(({ isBusy }) => !isBusy);
  const agents = stage.agents.filter(({ member }) => !member.isBusy);
  if (members.length === 0 || agents.length === 0) return undefined;
  const member = random.pick(members);
  const agent = random.pick(agents);
  const lengthMs = lengthOf(options);
  const { least, most } = awayMs;
  const away = least + random.below(most - least);
  return random.pick<Trouble>([
    { what: 'killed', member, run: () => member.kill(away) },
    { what: 'stopped', member, run: () => member.stopFor(lengthMs) },
    { what: 'restarted in order', member, run: () => member.restart() },
    { what: 'half-open', member: agent.member, run: () => halfOpen(agent, lengthMs) },
    { what: 'links cut', member: agent.member, run: async () => agent.relay.cut() },
  ]);
}

/** Mostly short; each fourth as long as may be, so that who waits for a dead link has to find out. */
function lengthOf({ random, longestMs }: TroubleOptions): number {
  const shortMs = Math.min(longestMs, 4_000);
  return random.below(4) === 0 ? longestMs : 200 + random.below(shortMs);
}

async function halfOpen({ relay }: Agent, lengthMs: number): Promise<void> {
  relay.halfOpen();
  await pause(lengthMs);
  relay.heal();
}
