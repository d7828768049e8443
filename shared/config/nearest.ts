/** The known name nearest to a mistyped one, for "did you mean". */

/** Names longer than this are not compared: no setting's name is, and the work grows with the square of the length. */
const maxLength = 64;

/** The nearest of `known`, when at most a third of its letters differ (case and `_` or `-` do not count). */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const wanted = fold(name);
  if (wanted.length > maxLength) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const distance = distanceOf(wanted, fold(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll('_', '-').replace(/^-+/, '');
}

/** Letters inserted, removed, replaced, or swapped with their neighbour (optimal string alignment), row by row. */
function distanceOf(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        distance = Math.min(distance, (before[j - 2] ?? 0) + 1);
      next.push(distance);
    }
    [before, row] = [row, next];
  }
  return row[b.length] ?? 0;
}
