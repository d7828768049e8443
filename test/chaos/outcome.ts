/**
 * What became of one exchange of the load. It knows what a client can see and nothing of how it was brought about.
 */
import { TooLate } from '../e2e/support/deadline.ts';
import { type Message, value } from '../e2e/support/message.ts';
import type { Wire } from '../e2e/support/wire.ts';

/**
 * right: the whole answer, and the right one · told: a WebSocket that was closed with 1012 and a reason · broken: not
 * served, and the client can see it · short: not whole, and it looks as if it were · hung: nothing for longer than its
 * limit · wrong: other bytes than were sent.
 */
export const verdicts = ['right', 'told', 'broken', 'short', 'hung', 'wrong'] as const;
export type Verdict = (typeof verdicts)[number];

export interface Outcome {
  readonly verdict: Verdict;
  /** In a few words, the same ones for what is the same. */
  readonly detail: string;
}

export const right: Outcome = { verdict: 'right', detail: '' };

/** Answers of the proxy itself: it says so, and what is wrong. */
const ownStatuses = new Set([502, 503, 504]);

/** Of an answer that came whole, as its framing says. */
export function outcomeOf(message: Message, expected: Uint8Array): Outcome {
  const { status, body } = message;
  if (status !== 200) return outcomeOfStatus(status, value(message, 'proxy-status'));
  if (body.equals(expected)) return right;
  const isBeginning = body.length < expected.length && body.equals(expected.subarray(0, body.length));
  return isBeginning
    ? { verdict: 'short', detail: 'an answer that ends in order before its end' }
    : { verdict: 'wrong', detail: 'other bytes than the backend sent' };
}

/** Of an answer with another status than the backend's. */
export function outcomeOfStatus(status: number, proxyStatus: string | undefined): Outcome {
  const code = /;\s*details="?(\w+)/.exec(proxyStatus ?? '')?.[1];
  return code !== undefined && ownStatuses.has(status)
    ? { verdict: 'broken', detail: `${status} ${code}` }
    : { verdict: 'wrong', detail: `status ${status} that nobody has sent` };
}

/** Of an exchange on this connection that came to no answer. */
export function outcomeOfError(wire: Wire | undefined, error: unknown): Outcome {
  if (error instanceof TooLate) return { verdict: 'hung', detail: 'no byte within the limit' };
  if (wire === undefined) return { verdict: 'broken', detail: 'no connection' };
  if (wire.leaving === 'reset') return { verdict: 'broken', detail: 'connection reset' };
  if (wire.leaving === 'fin') return { verdict: 'broken', detail: 'connection closed before the end' };
  return { verdict: 'wrong', detail: error instanceof Error ? error.message : String(error) };
}
