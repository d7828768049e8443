/**
 * The same bytes without the edge between: how often does a parser read what the rules accept in another way? Behind the
 * edge it must not; here it shows what the parser's own defects are, and it is counted and no failure.
 */
import type { Reading, ReadRequest } from './reading.ts';
import type { BackendRecord } from './record.ts';

/** alike: all messages, the same · refused: the parser did not take all of them, and the others the same. */
export type Straight = 'alike' | 'refused' | 'otherwise';

/**
 * Whether the bytes are fit for it: nothing but whole requests, as long as the connection goes on behind each. `*` is left
 * out, since a server may refuse it before it knows whose it is.
 */
export function isFitForStraight({ requests, partial, end, isBetween }: Reading): boolean {
  const isWhole = partial === undefined && end.kind === 'open' && isBetween && requests.length > 0;
  return isWhole && requests.every(({ target, answeredBy }) => target !== '*' && answeredBy === 'backend');
}

export function compareStraight({ requests }: Reading, records: readonly BackendRecord[]): Straight {
  const messages = records.filter(({ kind }) => kind === 'request');
  let next = 0;
  for (const message of messages) {
    // What a server answered with a refusal of its own is not told of as a message.
    while (next < requests.length && !isOf(message, requests[next])) next += 1;
    if (next === requests.length) return 'otherwise';
    next += 1;
  }
  return messages.length === requests.length ? 'alike' : 'refused';
}

function isOf({ method, target, body }: BackendRecord, request: ReadRequest | undefined): boolean {
  if (request === undefined || method !== request.method || body !== request.body) return false;
  // An absolute target is the backend's own affair; the edge rewrites it.
  return target === request.target || !target.startsWith('/');
}
