/** The thread of a hunt: plays cases until it is told to stop or one fails, which it makes smaller. What it is at stands in shared memory. */
import { parentPort, workerData } from 'node:worker_threads';
import { CaseMaker } from './cases.ts';
import { minimised } from './minimise.ts';
import { WORDS } from './words.ts';
import { targetOf } from './targets.ts';

export interface WorkerTask {
  readonly target: string;
  readonly seed: number;
  /** This one case instead of many. */
  readonly only: Uint8Array | undefined;
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

export interface WorkerVerdict {
  readonly found: { readonly what: string; readonly bytes: Uint8Array } | undefined;
}

const MAX_TRIES = 2_000;

const task: WorkerTask = workerData;
const target = targetOf(task.target);

function failureOf(bytes: Uint8Array): string | undefined {
  task.bytes.set(bytes);
  Atomics.store(task.words, WORDS.length, bytes.length);
  Atomics.add(task.words, WORDS.cases, 1);
  try {
    target.play(bytes);
    return undefined;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no error';
  }
}

function hunt(): WorkerVerdict {
  if (task.only !== undefined) {
    const what = failureOf(task.only);
    return { found: what === undefined ? undefined : { what, bytes: task.only } };
  }
  const maker = new CaseMaker(target, task.seed);
  while (Atomics.load(task.words, WORDS.stop) === 0) {
    const bytes = maker.next();
    if (failureOf(bytes) === undefined) continue;
    const smallest = minimised(bytes, (smaller) => failureOf(smaller) !== undefined, MAX_TRIES);
    return { found: { what: failureOf(smallest) ?? 'it fails only once', bytes: smallest } };
  }
  return { found: undefined };
}

// A thread's port, not a window's: it has no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(hunt());
