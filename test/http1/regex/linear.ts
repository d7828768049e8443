/**
 * Whether a backtracking engine is certain to read any text with an expression in time that is linear in the text. Three things make
 * sure of it, and what they do not make sure of is refused:
 * from one start, wherever two ways read the same character again and again, at most one of them can go on without an end, and neither
 * stands in a repetition within a repetition, so that what is tried again is bounded; and there is one start (`^`), or an attempt that has
 * begun to repeat cannot fail any more, or nothing repeats without an end.
 */
import { parseExpression } from './parse.ts';
import type { Expression, Position } from './parse.ts';

/** Why it is not certain; undefined when it is. */
export function whyNotLinear(literal: string): string | undefined {
  const end = literal.lastIndexOf('/');
  try {
    const expression = parseExpression(literal.slice(1, end), literal.slice(end + 1));
    return whyFork(expression) ?? whyStarts(expression);
  } catch (error) {
    return `it is not understood: ${error instanceof Error ? error.message : 'no reason'}`;
  }
}

function whyFork({ positions }: Expression): string | undefined {
  // Where the ways part that do not lead back, they part once: that is twice the work and no more.
  for (const { follow } of positions.filter(leadsBack)) {
    const list = [...follow];
    for (const [index, one] of list.entries()) {
      for (const other of list.slice(index + 1)) {
        if (!overlap(one, other)) continue;
        if (goesOnForEver(one) && goesOnForEver(other))
          return 'two ways read the same character and both go on for ever';
        if (Math.max(one.loops, other.loops) > 1)
          return 'two ways read the same character within nested repetitions';
      }
    }
  }
  return undefined;
}

function whyStarts({ first, last, positions, isAnchored, hasEnd }: Expression): string | undefined {
  const endless = positions.filter(({ isEndless }) => isEndless);
  if (isAnchored || endless.length === 0) return undefined;
  const canFail = endless.some((position) => [...reachable(position)].some((next) => !last.has(next)));
  if (canFail || hasEnd || first.size === 0)
    return 'it is tried at every place, and can fail after it has gone on for ever';
  return undefined;
}

function leadsBack(position: Position): boolean {
  return [...position.follow].some((next) => reachable(next).has(position));
}

function overlap(one: Position, other: Position): boolean {
  return [...one.chars].some((code) => other.chars.has(code));
}

function goesOnForEver(position: Position): boolean {
  return [...reachable(position)].some(({ isEndless }) => isEndless);
}

/** Itself and everything that may come behind it. */
function reachable(position: Position): Set<Position> {
  const seen = new Set([position]);
  for (const one of seen) for (const next of one.follow) seen.add(next);
  return seen;
}
