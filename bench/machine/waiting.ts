/** Waiting for something that cannot be subscribed to: looked at again and again, with a bound. */
import { setTimeout } from 'node:timers/promises';

/** Short beside every time that is measured by it. */
const everyMs = 2;

/** Resolves with the first result that is not undefined; rejects with what `describe` says when none came. */
export async function until<T>(
  withinMs: number,
  describe: () => string,
  look: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${describe()}`);
    // oxlint-disable-next-line no-await-in-loop
    await setTimeout(everyMs);
  }
}
