/**
 * A short `npm run chaos`: the built programs, killed, stopped, half-opened and restarted at random under load. CHAOS_SEED makes
 * the trouble of an earlier run again.
 */
import { test } from 'tap';
import { productOnly } from '../e2e/support/tunnel.ts';
import { runChaos } from './chaos.ts';

const seconds = 20;

test(`killed, stopped, cut off and restarted at random for ${seconds} s`, productOnly, async (t) => {
  const seed = Number(process.env['CHAOS_SEED'] ?? Date.now() % 1_000_000);
  const print = (line: string): void => t.comment(line);
  t.strictSame(await runChaos(t, { seconds, seed, isGraceful: false, print }), []);
});
