/** Work that is not linear, in the two ways that there are: it shows that the measure sees both. */

/** In blocks: each byte looks at all before it. */
export function squareInBlocks(bytes: Uint8Array): number {
  let equal = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (let before = 0; before < at; before++) if (bytes[before] === bytes[at]) equal++;
  }
  return equal;
}

/** In functions of the engine: what has come is copied with every piece. */
export function squareInNatives(pieces: readonly Uint8Array[]): number {
  let held = new Uint8Array(0);
  for (const piece of pieces) {
    const joined = new Uint8Array(held.length + piece.length);
    joined.set(held);
    joined.set(piece, held.length);
    held = joined;
  }
  return held.length;
}
