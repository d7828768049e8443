/** How one try of an exchange ends, who is told of it, and what an agent's reset means for the client. */
import { resetCode } from '../../shared/mux/codes.ts';
import type { ResetCode } from '../../shared/mux/codes.ts';
import type { FailureCode } from '../../shared/protocol/failures.ts';

/**
 * over: the client has its answer, or was aborted, or is gone. failed: it has heard nothing but interim answers
 * and must be told; `mayRetry` says whether sending the request again is safe (DESIGN §7).
 */
export type Outcome =
  | { readonly kind: 'over' }
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly mayRetry: boolean };

export const over: Outcome = { kind: 'over' };

/** What is left to do at the end of an exchange. It holds nothing else: of what was upgraded it lives for days. */
export interface Ending {
  /** Idempotent. */
  end(): void;
}

/** Who hears of the end of a try: once, and perhaps within its start. */
export interface AttemptOwner {
  /** For a try that has become an upgrade, and settles no more: whoever carries it keeps this alone. */
  readonly ending: Ending;
  settle(outcome: Outcome): void;
}

export const failureOfReset: { readonly [Code in ResetCode]: FailureCode } = {
  [resetCode.cancelled]: 'backend_reset',
  [resetCode.done]: 'backend_reset',
  [resetCode.refused]: 'agent_offline',
  [resetCode.backendUnreachable]: 'backend_refused',
  [resetCode.backendConnectTimeout]: 'backend_connect_timeout',
  [resetCode.backendTls]: 'backend_tls',
  [resetCode.backendReset]: 'backend_reset',
  [resetCode.overloaded]: 'overloaded',
  [resetCode.protocolError]: 'backend_protocol',
};
