/** What the inputs of all parsers have in common. */

export interface Fed {
  readonly bytes: Uint8Array;
  /** Gives a word for what became of it. */
  readonly feed: Feed;
}

export type Feed = (pieces: readonly Uint8Array[]) => string;

export interface Source {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly make: (size: number) => Fed;
  /** It never comes in pieces. */
  readonly isWhole?: boolean;
}

/** A quarter of it, and the 64 KiB that are the question. */
export const SIZES: readonly number[] = [16_384, 65_536];

/** `unit` over and over between two texts, `size` bytes in all or nearly. */
export function filled(before: string, unit: string, behind: string, size: number): Uint8Array {
  const times = Math.floor((size - before.length - behind.length) / unit.length);
  return new Uint8Array(Buffer.from(before + unit.repeat(times) + behind, 'latin1'));
}
