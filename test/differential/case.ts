/** A case: what a client sends on one connection, and in which pieces. */

export interface Case {
  /** Latin1, with the placeholders of marker.ts. */
  readonly message: string;
  readonly cuts: Cuts;
  /** The client says that it is done as soon as it is, and does not wait for the answers. */
  readonly halfClosesAtOnce: boolean;
}

/** Numbers: places where it is cut, in 0 to 1 of its length. */
export type Cuts = 'whole' | 'bytes' | readonly number[];

/** Longer messages are not cut into bytes: it would show nothing new. */
const longestByBytes = 800;

export function cut(bytes: Buffer, cuts: Cuts): Buffer[] {
  if (bytes.length === 0) return [];
  if (cuts === 'whole' || (cuts === 'bytes' && bytes.length > longestByBytes)) return [bytes];
  if (cuts === 'bytes') return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const places = [...new Set(cuts.map((place) => Math.floor(place * bytes.length)))].toSorted(
    (a, b) => a - b,
  );
  const borders = [0, ...places, bytes.length];
  return borders
    .slice(1)
    .map((end, index) => bytes.subarray(borders[index], end))
    .filter((piece) => piece.length > 0);
}
