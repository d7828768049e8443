/**
 * What differs between the bytes that were sent and the bytes that arrived, line by line as `diff` says it: `- line` was
 * sent and did not arrive, `+ line` arrived and was not sent. Lines end in CRLF, in heads, chunk frames and trailers alike.
 */

/** Common lines are those of a longest common subsequence; where there are several, the earlier line of what was sent goes. */
export function changesBetween(sent: string, arrived: string): string[] {
  const before = sent.split('\r\n');
  const after = arrived.split('\r\n');
  const common = lengthsOfCommon(before, after);
  const changes: string[] = [];
  let at = 0;
  let to = 0;
  while (at < before.length || to < after.length) {
    if (at < before.length && to < after.length && before[at] === after[to]) {
      at += 1;
      to += 1;
    } else if (to === after.length || (at < before.length && common[at + 1]![to]! >= common[at]![to + 1]!)) {
      changes.push(`- ${before[at]!}`);
      at += 1;
    } else {
      changes.push(`+ ${after[to]!}`);
      to += 1;
    }
  }
  return changes;
}

/** For each pair of places, how many lines the two texts have in common from there on. */
function lengthsOfCommon(before: readonly string[], after: readonly string[]): number[][] {
  const lengths = Array.from({ length: before.length + 1 }, () =>
    Array.from({ length: after.length + 1 }, () => 0),
  );
  for (let at = before.length - 1; at >= 0; at -= 1) {
    for (let to = after.length - 1; to >= 0; to -= 1) {
      const row = lengths[at]!;
      const next = lengths[at + 1]!;
      row[to] = before[at] === after[to] ? next[to + 1]! + 1 : Math.max(next[to]!, row[to + 1]!);
    }
  }
  return lengths;
}
