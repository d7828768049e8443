/** A short `npm run chaos -- --graceful-only`: the built programs, restarted in order at random under load, and nothing fails. */
import { test } from 'tap';
import { productOnly } from '../e2e/support/tunnel.ts';
import { runChaos } from './chaos.ts';

const seconds = 20;

test(`restarted in order, one at a time, for ${seconds} s`, productOnly, async (t) => {
  const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
  const print = (line: string): void => t.comment(line);
  t.strictSame(await runChaos(t, { seconds, seed, isGraceful: true, print }), []);
});
