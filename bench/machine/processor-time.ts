/**
 * Processor time of processes, user and system, of all their threads. Taken from the scheduler's own account in nanoseconds
 * (/proc/PID/task/TID/schedstat); /proc/PID/stat counts in ticks of 10 ms, which a short load drowns in.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { processTree, statFields } from './process-tree.ts';

/** USER_HZ, which Linux fixes for user space on every platform that Node runs on. */
const nsPerTick = 10_000_000;

interface Account {
  readonly nsOfThread: ReadonlyMap<number, number>;
  readonly userTicks: number;
  readonly systemTicks: number;
}

export interface ProcessorTime {
  readonly us: number;
  /** How much of it the kernel spent for them, 0 to 1. By ticks, so it takes a load of seconds. */
  readonly systemShare: number;
}

/** A meter over processes and their descendants, those included that start while it runs. */
export class ProcessorMeter {
  readonly #roots: readonly number[];
  readonly #before: ReadonlyMap<number, Account>;

  constructor(roots: readonly number[]) {
    this.#roots = roots;
    this.#before = readAccounts(roots);
  }

  /** Since the meter was made. */
  read(): ProcessorTime {
    let [sumNs, ticks, systemTicks] = [0, 0, 0];
    for (const [pid, after] of readAccounts(this.#roots)) {
      const before = this.#before.get(pid);
      sumNs += spentNs(before, after);
      ticks += ticksOf(after) - (before === undefined ? 0 : ticksOf(before));
      systemTicks += after.systemTicks - (before?.systemTicks ?? 0);
    }
    return { us: sumNs / 1_000, systemShare: ticks === 0 ? 0 : systemTicks / ticks };
  }
}

function ticksOf({ userTicks, systemTicks }: Account): number {
  return userTicks + systemTicks;
}

function spentNs(before: Account | undefined, after: Account): number {
  let sumNs = 0;
  for (const ns of after.nsOfThread.values()) sumNs += ns;
  if (before === undefined) return sumNs;
  for (const [thread, ns] of before.nsOfThread) {
    // The time of a thread that has ended is only in the coarse account.
    if (!after.nsOfThread.has(thread)) return (ticksOf(after) - ticksOf(before)) * nsPerTick;
    sumNs -= ns;
  }
  return sumNs;
}

function readAccounts(roots: readonly number[]): Map<number, Account> {
  const accounts = new Map<number, Account>();
  for (const pid of processTree(roots)) {
    const fields = statFields(pid);
    // utime and stime are the fields 14 and 15 of the whole line.
    if (fields === undefined) continue;
    const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
    accounts.set(pid, { nsOfThread: readThreads(pid), userTicks, systemTicks });
  }
  return accounts;
}

function readThreads(pid: number): Map<number, number> {
  const threads = new Map<number, number>();
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1');
      threads.set(Number(thread), Number(text.slice(0, text.indexOf(' '))));
    }
  } catch {
    // It has ended in this moment.
  }
  return threads;
}
