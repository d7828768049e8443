/**
 * Hunts in one target: a thread plays case after case, and this one watches that it gets on. What fails, or does not return, is made
 * smaller and handed back.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { MAX_CASE_BYTES } from './cases.ts';
import { minimising } from './minimise.ts';
import { WORDS } from './words.ts';
import type { WorkerTask, WorkerVerdict } from './worker.ts';

export interface HuntOptions {
  readonly target: string;
  readonly seed: number;
  readonly seconds: number;
  /** A case that takes longer than this hangs. Default 10 s. */
  readonly hangMs?: number;
  /** How many smaller cases are tried for one that hangs: each that hangs as well takes a second. Default 60. */
  readonly hangTries?: number;
}

export interface Found {
  readonly what: string;
  readonly bytes: Uint8Array;
}

export interface Hunt {
  readonly cases: number;
  readonly seconds: number;
  readonly found: Found | undefined;
}

const NO_RETURN = 'it does not return';
const DEFAULT_HANG_MS = 10_000;
/** How often the watch looks. */
const LOOK_MS = 100;
/** What is known to hang need not be waited for so long. */
const TRY_MS = 1_000;
const DEFAULT_HANG_TRIES = 60;
/** A thread loads its modules first; only from its first case on is it watched. */
const START_MS = 60_000;

/** Memory that outlives the thread: what it was at when it was ended. */
class Memory {
  readonly words = new Int32Array(new SharedArrayBuffer(16));
  readonly bytes = new Uint8Array(new SharedArrayBuffer(MAX_CASE_BYTES));

  get cases(): number {
    return Atomics.load(this.words, WORDS.cases);
  }

  caseBytes(): Uint8Array {
    return this.bytes.slice(0, Atomics.load(this.words, WORDS.length));
  }
}

function start(task: Omit<WorkerTask, 'words' | 'bytes'>, memory: Memory): Worker {
  const workerData: WorkerTask = { ...task, words: memory.words, bytes: memory.bytes };
  return new Worker(new URL('worker.ts', import.meta.url), { workerData });
}

export async function hunt(options: HuntOptions): Promise<Hunt> {
  const { target, seed, seconds, hangMs = DEFAULT_HANG_MS, hangTries = DEFAULT_HANG_TRIES } = options;
  const memory = new Memory();
  const startedMs = performance.now();
  const worker = start({ target, seed, only: undefined }, memory);
  const verdict = await watched(worker, memory, startedMs + seconds * 1_000, hangMs);
  const took = (performance.now() - startedMs) / 1_000;
  if (verdict !== 'hangs') {
    const found = verdict.found && { what: verdict.found.what, bytes: new Uint8Array(verdict.found.bytes) };
    return { cases: memory.cases, seconds: took, found };
  }
  const bytes = await smallerHang(target, memory.caseBytes(), hangTries);
  return { cases: memory.cases, seconds: took, found: { what: NO_RETURN, bytes } };
}

/** What the thread said in the end; or that it hangs, and has been ended. */
async function watched(
  worker: Worker,
  memory: Memory,
  untilMs: number,
  hangMs: number,
): Promise<WorkerVerdict | 'hangs'> {
  let cases = -1;
  let movedMs = performance.now();
  let hangs = false;
  const watch = setInterval(
    () => {
      const nowMs = performance.now();
      if (nowMs >= untilMs) Atomics.store(memory.words, WORDS.stop, 1);
      if (memory.cases !== cases) {
        cases = memory.cases;
        movedMs = nowMs;
      } else if (nowMs - movedMs > (cases === 0 ? START_MS : hangMs)) {
        hangs = true;
        void worker.terminate();
      }
    },
    Math.min(LOOK_MS, hangMs / 4),
  );
  const said: WorkerVerdict[] = [];
  worker.on('message', (verdict: WorkerVerdict) => said.push(verdict));
  try {
    await once(worker, 'exit');
  } finally {
    clearInterval(watch);
  }
  const [verdict] = said;
  if (verdict !== undefined) return verdict;
  if (hangs) return 'hangs';
  throw new Error('the thread ended without a word');
}

/** What becomes of this one case, in a thread of its own: what failed, or undefined. */
export async function replay(
  target: string,
  bytes: Uint8Array,
  hangMs = DEFAULT_HANG_MS,
): Promise<string | undefined> {
  const memory = new Memory();
  const verdict = await watched(start({ target, seed: 0, only: bytes }, memory), memory, Infinity, hangMs);
  return verdict === 'hangs' ? NO_RETURN : verdict.found?.what;
}

async function smallerHang(target: string, bytes: Uint8Array, maxTries: number): Promise<Uint8Array> {
  const steps = minimising(bytes, maxTries);
  for (let step = steps.next(); ;) {
    if (step.done === true) return step.value;
    // One after the other: each asks what the last one answered.
    // oxlint-disable-next-line no-await-in-loop
    step = steps.next((await replay(target, step.value, TRY_MS)) === NO_RETURN);
  }
}
