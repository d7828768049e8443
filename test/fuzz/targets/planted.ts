/** Subjects with a bug that is known, for the tests of the hunt itself: they are none of the targets that are hunted. */
import { wordsOf } from '../target.ts';
import type { Target } from '../target.ts';

const words = wordsOf('bug', 'loop', 'x', ' ', '\r\n');
const seeds = (): Uint8Array[] => wordsOf('something honest', 'something longer and just as honest');

export const plantedError: Target = {
  name: 'planted-error',
  words,
  seeds,
  play(bytes) {
    if (Buffer.from(bytes).includes('bug')) throw new TypeError('the planted bug');
  },
};

export const plantedLoop: Target = {
  name: 'planted-loop',
  words,
  seeds,
  play(bytes) {
    while (Buffer.from(bytes).includes('loop'));
  },
};
