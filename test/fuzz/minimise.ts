/**
 * Makes a failing case smaller: leaves out halves, quarters and so on, as long as what is left still fails. A conversation, so that
 * the case may be tried in whatever way suits it: each value asks whether a smaller case fails as well.
 */

export type Minimising = Generator<Uint8Array, Uint8Array, boolean>;

export function* minimising(bytes: Uint8Array, maxTries: number): Minimising {
  let smallest = bytes;
  let tries = 0;
  for (
    let length = Math.ceil(bytes.length / 2);
    length >= 1;
    length = length === 1 ? 0 : Math.ceil(length / 2)
  ) {
    for (let at = 0; at < smallest.length && tries < maxTries;) {
      tries += 1;
      const without = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + length)]);
      if (yield without) smallest = without;
      else at += length;
    }
  }
  return smallest;
}

export function minimised(
  bytes: Uint8Array,
  fails: (bytes: Uint8Array) => boolean,
  maxTries: number,
): Uint8Array {
  const steps = minimising(bytes, maxTries);
  for (let step = steps.next(); ; step = steps.next(fails(step.value)))
    if (step.done === true) return step.value;
}
