/** Writes messages in pieces, many connections at the same time, so that each piece is read by itself. It knows no HTTP. */
/* oxlint-disable no-await-in-loop -- one piece after the other is what this is about */
import type { Wire } from '../e2e/support/wire.ts';

export interface Feed {
  readonly wire: Wire;
  readonly pieces: readonly Uint8Array[];
}

/** One piece of each feed, then `beat`, then the next: what `beat` waits for is that all pieces so far have been read. */
export async function feedInStep(feeds: readonly Feed[], beat: () => Promise<void>): Promise<void> {
  const rounds = Math.max(...feeds.map(({ pieces }) => pieces.length));
  await beat();
  for (let round = 0; round < rounds; round += 1) {
    for (const { wire, pieces } of feeds) {
      const piece = pieces[round];
      // A connection that is over takes no more: what it was told then is judged by who reads.
      if (piece !== undefined && wire.socket.writable) wire.write(piece);
    }
    await beat();
  }
}

/** Every piece in a write of its own, waiting for nothing: the kernel joins what it likes. */
export function feedAtOnce(feeds: readonly Feed[]): void {
  for (const { wire, pieces } of feeds) for (const piece of pieces) wire.write(piece);
}

/** `items` in groups of at most `size`, in order. */
export function groupsOf<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}
