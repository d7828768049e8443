/**
 * Runs a program: starts its parts in order, waits for a signal, stops them in reverse within a bound, ends the process.
 * It knows no part and no setting but the bound.
 */
import { SettingError } from '../config/setting-error.ts';
import type { Log, ProgramLog } from '../log/log.ts';
import { createProcessHost } from './host.ts';
import type { Host } from './host.ts';
import { Signals } from './signals.ts';

/** A part that has been started. */
export interface Running {
  /**
   * Takes no new work, lets running work end, and settles when all is gone. `deadline` aborts when the time for that is
   * over: then running work is cut off at once. Called once.
   */
  stop(deadline: AbortSignal): Promise<void>;
  /** SIGHUP: what is outside this process may have changed. It does not throw. */
  refresh?(): void;
}

export interface Part {
  /** For the log: `listener`, `connector`. */
  readonly name: string;
  /** Settles when the part is of use; `stopping` aborts when the program is asked to stop before that. */
  start(stopping: AbortSignal): Promise<Running>;
}

export interface Plan {
  /** In the order they start. */
  readonly parts: readonly Part[];
  readonly drainTimeoutMs: number;
  readonly log: ProgramLog;
}

const failureExitCode = 1;

/** What a part may take to cut off its work once it was told to; then it is left behind. */
const cutOffMs = 1000;

/**
 * Makes the plan and runs it until a signal comes, then ends the process: with 0 after a stop that was asked for, 2 when
 * the settings are wrong (their lines go to the standard error), 1 when a part could not start or stop, and at a second
 * signal at once with 128 and the signal's number. An error of `makePlan` that is no `SettingError` is thrown on.
 */
export async function run(
  makePlan: () => Plan | Promise<Plan>,
  host: Host = createProcessHost(),
): Promise<void> {
  const signals = new Signals(host);
  let plan: Plan;
  try {
    plan = await makePlan();
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    host.writeError(`${error.message}\n`);
    host.exit(error.answer.exitCode);
    return;
  }
  const { log, drainTimeoutMs } = plan;
  const started: Started[] = [];
  host.onRefreshSignal(() => {
    log.info({}, 'looking again (SIGHUP)');
    for (const { running } of started) running.refresh?.();
  });
  let isWell = await startAll(plan, signals.stopping, started);
  if (isWell) log.info({ signal: await signals.first, drainTimeoutMs }, 'stopping');
  isWell = (await stopAll(started.toReversed(), drainTimeoutMs, log)) && isWell;
  log.info({}, 'stopped');
  await log.flush();
  host.exit(isWell ? 0 : failureExitCode);
}

interface Started {
  readonly name: string;
  readonly running: Running;
}

/** False when a part could not start. A stop asked for meanwhile is no failure, whatever the part makes of it. */
async function startAll({ parts, log }: Plan, stopping: AbortSignal, started: Started[]): Promise<boolean> {
  for (const part of parts) {
    if (stopping.aborted) return true;
    try {
      // oxlint-disable-next-line no-await-in-loop -- in order: each part may build on those before it
      const running = await before(part.start(stopping), stopping);
      if (running === undefined) return true;
      started.push({ name: part.name, running });
    } catch (error) {
      if (stopping.aborted) return true;
      log.error({ part: part.name, ...describe(error) }, 'could not start');
      return false;
    }
  }
  return true;
}

/** False when a part failed to stop. Being cut off at the deadline is no failure. */
async function stopAll(started: readonly Started[], drainTimeoutMs: number, log: Log): Promise<boolean> {
  const deadline = new AbortController();
  if (drainTimeoutMs === 0) deadline.abort();
  const timer = setTimeout(() => deadline.abort(), drainTimeoutMs);
  let isWell = true;
  for (const { name, running } of started) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- in reverse order: what was started later needs what was before it
      const stopped = await before(
        running.stop(deadline.signal).then(() => true),
        deadline.signal,
      );
      if (stopped === undefined) log.warn({ part: name }, 'did not stop in time and is left behind');
    } catch (error) {
      log.error({ part: name, ...describe(error) }, 'could not stop');
      isWell = false;
    }
  }
  clearTimeout(timer);
  return isWell;
}

/** What `work` settles with, or undefined when it has not settled a while after `signal` aborted. */
async function before<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const leftBehind = Promise.withResolvers<undefined>();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    timer = setTimeout(() => leftBehind.resolve(undefined), cutOffMs);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, leftBehind.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** What the system or a peer refused is said in one sentence; a mistake of this program with its stack. */
function describe(error: unknown): Record<string, unknown> {
  const isExpected =
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    !error.code.startsWith('ERR_');
  return isExpected ? { reason: error.message, code: error.code } : { error };
}
