/**
 * `npm run fuzz -- --seconds 60 --target head --seed 1`: hunts in one target, or in all of them in turn. The seed says which cases
 * come; without one it is taken from the clock and printed. What is found is kept in found.json, and the exit code is 1. The target
 * `armed` is a whole proxy: what it does wrong is printed.
 */
import { parseArgs } from 'node:util';
import { armedName, huntArmed } from './armed/hunt.ts';
import { keep } from './found.ts';
import { hunt } from './hunt.ts';
import { targetOf, targets } from './targets.ts';

interface Asked {
  readonly seconds: number;
  readonly seed: number;
  readonly names: readonly string[];
}

function readArguments(args: string[]): Asked {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '60' },
      target: { type: 'string' },
      seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    },
  });
  return {
    seconds: readNumber('seconds', values.seconds),
    seed: readNumber('seed', values.seed),
    names: namesOf(values.target),
  };
}

function namesOf(target: string | undefined): readonly string[] {
  if (target === undefined) return [...targets.map(({ name }) => name), armedName];
  return [target === armedName ? armedName : targetOf(target).name];
}

function readNumber(name: string, text: string): number {
  if (!/^[0-9]{1,9}$/.test(text))
    throw new Error(`--${name} is a whole number of at most nine digits, not ${text}`);
  return Number(text);
}

async function run({ seconds, seed, names }: Asked): Promise<void> {
  for (const target of names) {
    // In turn: each has the processor for itself.
    /* oxlint-disable no-await-in-loop */
    if (target === armedName) {
      const { cases, wrong, seconds: took } = await huntArmed(seed, seconds);
      tell(target, seed, cases, took, wrong.length > 0);
      for (const what of wrong) console.log(`  ${what}`);
      if (wrong.length > 0) process.exitCode = 1;
      continue;
    }
    const { cases, found, seconds: took } = await hunt({ target, seed, seconds });
    /* oxlint-enable no-await-in-loop */
    tell(target, seed, cases, took, found !== undefined);
    if (found === undefined) continue;
    process.exitCode = 1;
    const { what, base64 } = keep(target, found);
    console.log(`  ${what}\n  ${base64}\n  kept in test/fuzz/found.json`);
  }
}

function tell(target: string, seed: number, cases: number, took: number, isFound: boolean): void {
  const rate = Math.round(cases / took).toLocaleString('en');
  const outcome = isFound ? 'FOUND' : 'nothing found';
  console.log(`${target}: ${cases.toLocaleString('en')} cases, ${rate} a second, seed ${seed}, ${outcome}`);
}

try {
  await run(readArguments(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
