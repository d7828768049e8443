/** Makes one case after another from a target's seeds: a few changes each, now and then a seed as it is. */
import { Random } from './random.ts';
import type { Target } from './target.ts';

/** Beyond this a case shows nothing that a shorter one would not, and costs time. */
export const MAX_CASE_BYTES = 8_192;
/** Seeds that come of a grammar are made anew after so many cases. */
const CASES_A_GENERATION = 2_000;
const MAX_CHANGES = 6;
const MAX_REPEATS = 200;

export class CaseMaker {
  readonly #target: Target;
  readonly #random: Random;
  #seeds: readonly Uint8Array[] = [];
  #made = 0;

  constructor(target: Target, seed: number) {
    this.#target = target;
    this.#random = new Random(seed);
  }

  next(): Uint8Array {
    const random = this.#random;
    if (this.#made++ % CASES_A_GENERATION === 0) this.#seeds = this.#target.seeds(random);
    let bytes = random.pick(this.#seeds);
    for (let changes = random.below(MAX_CHANGES + 1); changes > 0; changes--) bytes = this.#change(bytes);
    return bytes.subarray(0, MAX_CASE_BYTES);
  }

  #change(bytes: Uint8Array): Uint8Array {
    const random = this.#random;
    const at = random.below(bytes.length + 1);
    const length = Math.min(bytes.length - at, 1 + random.below(1 << random.below(9)));
    switch (random.below(9)) {
      case 0:
        return splice(bytes, at, 1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << random.below(8))));
      case 1:
        return splice(bytes, at, 1, Uint8Array.of(random.below(256)));
      case 2:
        return splice(bytes, at, 0, random.pick(this.#target.words));
      case 3: {
        const word = random.pick(this.#target.words);
        return splice(bytes, at, word.length, word);
      }
      case 4:
        return splice(bytes, at, length, new Uint8Array(0));
      case 5:
        return splice(bytes, random.below(bytes.length + 1), 0, bytes.subarray(at, at + length));
      case 6:
        return splice(
          bytes,
          at,
          length,
          repeated(bytes.subarray(at, at + length), 1 + random.below(MAX_REPEATS)),
        );
      case 7: {
        const other = random.pick(this.#seeds);
        return splice(bytes, at, bytes.length, other.subarray(random.below(other.length + 1)));
      }
      default:
        return digitChanged(bytes, at, random);
    }
  }
}

function splice(bytes: Uint8Array, at: number, length: number, between: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), between, bytes.subarray(at + length)]);
}

function repeated(bytes: Uint8Array, times: number): Uint8Array {
  const most = Math.max(1, Math.floor(MAX_CASE_BYTES / Math.max(1, bytes.length)));
  return Buffer.concat(Array.from({ length: Math.min(times, most) }, () => bytes));
}

/** The next digit from `at` on becomes another one: lengths and sizes are where parsers go wrong. */
function digitChanged(bytes: Uint8Array, at: number, random: Random): Uint8Array {
  const offset = bytes.findIndex((byte, index) => index >= at && byte >= 0x30 && byte <= 0x39);
  if (offset === -1) return bytes;
  return splice(
    bytes,
    offset,
    1,
    Buffer.from(random.pick(['0', '1', '9', 'f', '-', '+', '00', '10', '99999999', ''])),
  );
}
