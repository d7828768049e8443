/**
 * A longer run against the proxy with everything on, in each of its variants, and against providers that answer with
 * anything. A case here is a request among others, so what is found is told with its bytes and the seed, and not made smaller.
 */
/* oxlint-disable no-await-in-loop -- one after the other: each has the machine for itself */
import { OwnLife } from '../../e2e/support/owner.ts';
import { playArmed } from './play.ts';
import { OddProvider } from './provider.ts';
import { askOddProvider } from './provider-answers.ts';
import { startScene } from './scene.ts';

export const armedName = 'armed';

export interface ArmedHunt {
  readonly cases: number;
  readonly seconds: number;
  readonly wrong: readonly string[];
}

/** A run of so many cases, then another with a seed of its own: logs and pools are kept in memory until they are judged. */
const casesARun = 20_000;
const providersAtOnce = 200;

export async function huntArmed(seed: number, seconds: number): Promise<ArmedHunt> {
  const startedMs = performance.now();
  const wrong: string[] = [];
  let cases = 0;
  for (const [index, variant] of (['plain', 'balanced'] as const).entries()) {
    const untilMs = startedMs + seconds * 450 * (index + 1);
    for (let run = 0; performance.now() < untilMs && wrong.length === 0; run += 1) {
      const life = new OwnLife();
      try {
        const scene = await startScene(life, variant);
        const played = await playArmed(scene, seed + run, { cases: casesARun, untilMs });
        cases += played.cases;
        wrong.push(...played.wrong.map((what) => `${variant}, seed ${seed + run}: ${what}`));
      } finally {
        await life.release();
      }
    }
  }
  const life = new OwnLife();
  const provider = await OddProvider.listen(life);
  for (let run = 0; performance.now() < startedMs + seconds * 1_000 && wrong.length === 0; run += 1) {
    const asked = await askOddProvider(provider, seed + run, providersAtOnce);
    cases += asked.cases;
    wrong.push(...asked.wrong.map((what) => `providers, seed ${seed + run}: ${what}`));
  }
  await life.release();
  return { cases, seconds: (performance.now() - startedMs) / 1_000, wrong };
}
