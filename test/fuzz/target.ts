/** What is fuzzed: something that takes any bytes, and throws where it did what it must never do. */
import type { Random } from './random.ts';

export interface Target {
  readonly name: string;
  /** Words that mean something to it, put into cases and over what is there. */
  readonly words: readonly Uint8Array[];
  /** Cases that go far in: recorded ones, and some of a grammar. Mutations begin with them. */
  seeds(random: Random): Uint8Array[];
  /** Plays one case. It returns for whatever its subject may do, a refusal too; it throws for an unexpected error or a broken invariant. */
  play(bytes: Uint8Array): void;
}

/** A seed's first bytes choose how the rest is played. */
export function seedOf(choices: readonly number[], bytes: Uint8Array | string): Uint8Array {
  return Buffer.concat([
    Uint8Array.from(choices),
    typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes,
  ]);
}

export function wordsOf(...words: readonly string[]): Uint8Array[] {
  return words.map((word) => new Uint8Array(Buffer.from(word, 'latin1')));
}

/** The bytes in pieces of this size; 0: in one. */
export function inPieces(bytes: Uint8Array, size: number): Uint8Array[] {
  if (size === 0) return [bytes];
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

export function mustBeSame(is: unknown, wanted: unknown, what: string): void {
  const [one, other] = [JSON.stringify(is), JSON.stringify(wanted)];
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`);
}
