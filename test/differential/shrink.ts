/** Makes a case that shows a disagreement as small as it gets, byte by byte, by trying. It knows no grammar. */
/* oxlint-disable no-await-in-loop -- each step depends on what the last one showed */
import type { Case } from './case.ts';

/** A disagreement that is a silence costs seconds a try. */
const mostMs = 90_000;
const mostTries = 3_000;

/** The smallest case found that still `shows` it. */
export async function shrink(theCase: Case, shows: (smaller: Case) => Promise<boolean>): Promise<Case> {
  const untilMs = performance.now() + mostMs;
  let tries = 0;
  let best = theCase;
  const attempt = async (smaller: Case): Promise<boolean> => {
    tries += 1;
    if (tries > mostTries || performance.now() > untilMs || !(await shows(smaller))) return false;
    best = smaller;
    return true;
  };
  await attempt({ ...best, halfClosesAtOnce: false });
  await attempt({ ...best, cuts: 'whole' });
  for (let size = Math.ceil(best.message.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.message.length;) {
      const { message } = best;
      const smaller = message.slice(0, at) + message.slice(at + size);
      // Where it still shows, the next bytes have come to this place.
      if (smaller === '' || !(await attempt({ ...best, message: smaller }))) at += size;
    }
  }
  return best;
}
