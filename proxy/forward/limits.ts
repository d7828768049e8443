/** Forwarding's bounds (RULES 33–36, DESIGN §7, §8), each a setting or a rule of its own. */
import type { BodyLimits, HeadLimits } from '../../shared/http1/limits.ts';

export interface ForwardLimits {
  readonly responseHead: HeadLimits;
  readonly responseBody: BodyLimits;
  /** Interim answers (1xx) a request may have (RULES 36). */
  readonly maxInterimAnswers: number;
  /** How long a backend whose agents have just left is waited for. */
  readonly queueTimeoutMs: number;
  /** From the end of the request to the head of the answer. */
  readonly responseTimeoutMs: number;
  /** No byte either way; never for upgraded exchanges. */
  readonly idleTimeoutMs: number;
}

/** How often a request may be sent again: it is sent at most twice (DESIGN §7). */
export const maxRetries = 1;
