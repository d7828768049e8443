/**
 * A thread in which http-parser-js may loop or block, so that whoever started it can end it. It counts what it is told of in shared
 * memory, wakes the starter at a number of calls, and says what `execute` took of the processor once it has returned.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { HTTPParser } from 'http-parser-js';

export interface PeerTask {
  readonly kind: 'REQUEST' | 'RESPONSE';
  /** In latin1. */
  readonly bytes: string;
  /** [0] counts callbacks; [1] becomes 1, and is notified, when they reach `wakeAt`. */
  readonly counts: Int32Array;
  readonly wakeAt: number;
}

const { kind, bytes, counts, wakeAt }: PeerTask = workerData;
const parser = new HTTPParser(kind);
const count = (): void => {
  if (Atomics.add(counts, 0, 1) + 1 !== wakeAt) return;
  Atomics.store(counts, 1, 1);
  Atomics.notify(counts, 1);
};
parser.onHeadersComplete = count;
parser.onBody = count;
parser.onMessageComplete = count;
const chunk = Buffer.from(bytes, 'latin1');
const before = process.threadCpuUsage();
parser.execute(chunk);
// A thread's port, not a window's: it has no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
parentPort?.postMessage(process.threadCpuUsage(before).user);
