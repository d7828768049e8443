/** The command line of the chaos run. It starts nothing. */
import { parseArgs } from 'node:util';

export const usage = `npm run chaos -- [--seconds N] [--seed N] [--graceful-only]
  --seconds N      how long there is trouble (300); warming up and looking at the end come on top
  --seed N         what the trouble is made from; printed, and random when not given
  --graceful-only  nothing but restarts in order, one at a time: no request may fail`;

export interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly isGraceful: boolean;
}

/** Throws an Error that says what would be right. */
export function readOptions(args: string[], randomSeed: () => number): Options {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '300' },
      seed: { type: 'string' },
      'graceful-only': { type: 'boolean', default: false },
    },
  });
  const { seconds, seed, 'graceful-only': isGraceful } = values;
  return {
    seconds: readNumber('seconds', seconds),
    seed: seed === undefined ? randomSeed() : readNumber('seed', seed),
    isGraceful,
  };
}

function readNumber(name: string, text: string): number {
  if (!/^[0-9]{1,9}$/.test(text))
    throw new Error(`--${name} is a whole number of at most nine digits, not ${text}`);
  return Number(text);
}
