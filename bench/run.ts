/** Takes the samples: row by row, and in each row the targets in turn, round by round, so that a slow minute hits all of them. */
/* oxlint-disable no-await-in-loop -- one load at a time is the point */
import { setTimeout } from 'node:timers/promises';
import { Unavailable } from './machine/tools.ts';
import type { Context, Row, Sample } from './rows/row.ts';
import type { Ground, Target, TargetKind } from './targets/target.ts';

/** What one target has shown in one row. */
export interface Outcome {
  readonly target: string;
  /** One place for each round; undefined where it failed. */
  readonly samples: readonly (Sample | undefined)[];
  /** Why there is nothing, or less: not there, or what went wrong. */
  readonly remark: string | undefined;
  /** It went wrong, and is not just not there. */
  readonly hasFailed: boolean;
}

export interface RowOutcome {
  readonly row: Row;
  readonly outcomes: readonly Outcome[];
}

export interface Run {
  readonly ground: Ground;
  readonly context: Context;
  readonly rounds: number;
  readonly onProgress: (text: string) => void;
}

/** For what the load before has left behind: sockets that close, garbage. */
const pauseMs = 100;
/** What a sample may take beyond its load, a start and slow transfers of 1 GiB among it; then it is stuck. */
const spareMs = 300_000;

/** One target in one row, over all its rounds. */
class Entry {
  readonly #run: Run;
  readonly #row: Row;
  readonly #kind: TargetKind;
  readonly #samples: (Sample | undefined)[] = [];
  #target: Target | undefined;
  #remark: string | undefined;
  #hasFailed = false;
  #starts = 0;

  constructor(run: Run, row: Row, kind: TargetKind) {
    this.#run = run;
    this.#row = row;
    this.#kind = kind;
  }

  get outcome(): Outcome {
    const { name } = this.#kind;
    return { target: name, samples: this.#samples, remark: this.#remark, hasFailed: this.#hasFailed };
  }

  async open(): Promise<void> {
    if (this.#row.isFresh) return;
    await this.#guard(async () => {
      this.#target = await this.#start();
      await this.#row.warmUp?.(this.#target, this.#run.context);
    });
  }

  async round(): Promise<void> {
    if (this.#remark !== undefined) return;
    let sample: Sample | undefined;
    await this.#guard(async () => {
      this.#target ??= await this.#start();
      await setTimeout(pauseMs);
      sample = await this.#row.measure(this.#target, this.#run.context);
    });
    this.#samples.push(sample);
    if (this.#row.isFresh) await this.close();
  }

  async close(): Promise<void> {
    const target = this.#target;
    this.#target = undefined;
    await target?.[Symbol.asyncDispose]();
  }

  async #start(): Promise<Target> {
    const { name } = this.#kind;
    this.#starts += 1;
    const label = `${this.#row.name}-${name}-${this.#starts}`.replaceAll(/[^\w-]+/g, '');
    const { backend, place, needsProcesses } = this.#row;
    const target = await this.#kind.start(this.#run.ground, backend, place, label);
    if (!needsProcesses || target.pids.length > 0) return target;
    await target[Symbol.asyncDispose]();
    throw new Unavailable(
      name === 'direct' ? 'it has no processes' : 'its processes were not named (--pids)',
    );
  }

  /** A target that fails is out of its row, and the others go on. */
  async #guard(work: () => Promise<void>): Promise<void> {
    const patience = new AbortController();
    const stuckAfterMs = spareMs + 2_000 * this.#run.context.seconds;
    const late = setTimeout(stuckAfterMs, undefined, { signal: patience.signal });
    try {
      await Promise.race([
        work(),
        late.then(() => Promise.reject(new Error(`stuck for ${stuckAfterMs / 1_000} s`))),
      ]);
    } catch (error) {
      this.#remark = error instanceof Error ? error.message : String(error);
      this.#hasFailed = !(error instanceof Unavailable);
    } finally {
      patience.abort();
    }
  }
}

export async function runRow(run: Run, row: Row, kinds: readonly TargetKind[]): Promise<RowOutcome> {
  const entries = kinds.map((kind) => new Entry(run, row, kind));
  try {
    for (const entry of entries) await entry.open();
    for (let round = 0; round < run.rounds; round += 1) {
      run.onProgress(`${row.name}: round ${round + 1} of ${run.rounds}`);
      for (const entry of entries) await entry.round();
    }
  } finally {
    for (const entry of entries) await entry.close();
  }
  return { row, outcomes: entries.map(({ outcome }) => outcome) };
}
