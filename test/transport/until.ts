/** Waits for what no event tells: looks once a turn of the event loop, and gives up in time for the test to say so. */
/* oxlint-disable no-await-in-loop -- until it is so */
import { setImmediate as turn } from 'node:timers/promises';
import { patienceMs } from '../e2e/support/deadline.ts';

export async function until(what: string, isSo: () => boolean, withinMs = patienceMs): Promise<void> {
  const giveUpAtMs = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > giveUpAtMs) throw new Error(`not in time: ${what}`);
    await turn();
  }
}

/** A few turns: whatever was about to happen at once has happened. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}
