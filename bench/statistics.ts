/** What several rounds say together. Medians, because one disturbed round must not move the figure. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Undefined where there is nothing. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [min, max] = [sorted[0], sorted.at(-1)];
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  if (min === undefined || max === undefined || low === undefined || high === undefined) return undefined;
  return { median: (low + high) / 2, min, max };
}

/**
 * The ratio round by round, then its spread: what disturbs the machine for longer than a round disturbs both sides of a pair.
 * Rounds in which either side is missing are left out.
 */
export function ratioOf(
  values: readonly (number | undefined)[],
  to: readonly (number | undefined)[],
): Spread | undefined {
  const ratios = values.flatMap((value, round) => {
    const base = to[round];
    return value === undefined || base === undefined || base === 0 ? [] : [value / base];
  });
  return spreadOf(ratios);
}
