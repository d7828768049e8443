/**
 * A bound on every wait of these tests: what was waited for is said when it did not come.
 * It knows neither sockets nor processes.
 */

/** Longer than any healthy wait on a loaded two-core machine, shorter than the test runner's own time-out. */
export const patienceMs = 10_000;

/** What was waited for did not come in time. */
export class TooLate extends Error {}

/** Resolves with `wait`, or rejects with a TooLate and what `describe` says once `withinMs` have passed. */
export async function within<T>(withinMs: number, describe: () => string, wait: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new TooLate(`not within ${withinMs} ms: ${describe()}`)),
    withinMs,
  );
  try {
    return await Promise.race([wait, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
