/** What an agent is told that is not let in: which error of its own becomes which answer. */
import { AuthError } from '../../shared/auth/auth-error.ts';
import { TunnelError } from '../../shared/errors/tunnel-error.ts';
import { AskViolation } from '../../shared/protocol/ask.ts';
import { failureAnswer } from '../answer.ts';
import type { Answer } from '../answer.ts';
import { RouteConflict } from '../routing/registry.ts';

export type DoorCode =
  | 'not_an_upgrade'
  | 'subprotocol'
  | 'not_on_record'
  | 'subject_not_on_record'
  | 'route_not_on_record'
  | 'too_many_links'
  | 'too_many_links_of_token'
  | 'too_many_links_on_record';

/** The upgrade is not one of an agent, what is on record does not let it in, or there is no room for it. */
export class DoorRefusal extends TunnelError<DoorCode, { readonly status: 400 | 403 | 426 | 429 | 503 }> {}

const statuses = {
  not_an_upgrade: 426,
  subprotocol: 400,
  not_on_record: 403,
  subject_not_on_record: 403,
  route_not_on_record: 403,
  too_many_links: 503,
  too_many_links_of_token: 429,
  too_many_links_on_record: 429,
} as const;

export function refusal(code: DoorCode, message: string): DoorRefusal {
  return new DoorRefusal(message, {
    code,
    scope: 'link',
    initiator: 'remote',
    answer: { status: statuses[code] },
  });
}

export type AgentFault = AuthError | AskViolation | RouteConflict | DoorRefusal;

/** Whether it is the agent's fault, and not a mistake of ours, which is to crash. */
export function isAgentFault(error: unknown): error is AgentFault {
  return (
    error instanceof AuthError ||
    error instanceof AskViolation ||
    error instanceof RouteConflict ||
    error instanceof DoorRefusal
  );
}

/** What the agent may wait for where waiting helps. */
const retryAfterSeconds = 15;

export function answerOf(error: AgentFault): Answer {
  const { status } = error.answer;
  return {
    status,
    code: error.code,
    proxyStatus: 'http_request_denied',
    sentence: error.message,
    retryAfterSeconds: status === 503 || status === 429 ? retryAfterSeconds : undefined,
    challenge: status === 401 ? 'Bearer' : undefined,
    upgrade: status === 426 ? 'websocket' : undefined,
  };
}

/** In place of why its token is no good, which it has been told often enough. */
export function tooManyFailures(seconds: number): Answer {
  return {
    ...failureAnswer('too_many_requests'),
    sentence: 'too many bad tokens came from this address',
    remedy: undefined,
    retryAfterSeconds: seconds,
  };
}
