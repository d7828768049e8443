/**
 * Why an agent is not let in: one code a reason, the status it deserves and a sentence fit for the answer's JSON, which
 * tells the reason plainly and nothing of any secret.
 */
import { TunnelError } from '../errors/tunnel-error.ts';

/** 401: another token would help. */
export type TokenErrorCode =
  | 'token_missing'
  | 'token_malformed'
  | 'token_signature'
  | 'token_expired'
  | 'token_not_yet'
  | 'token_claims';

/** 403: the token is good, and does not grant what was asked for. */
export type GrantErrorCode = 'backend_not_granted' | 'route_not_granted';

export type AuthErrorCode = TokenErrorCode | GrantErrorCode;

export interface AuthAnswer {
  readonly status: 401 | 403;
}

export class AuthError extends TunnelError<AuthErrorCode, AuthAnswer> {
  constructor(code: AuthErrorCode, message: string, cause?: unknown) {
    const status = code === 'backend_not_granted' || code === 'route_not_granted' ? 403 : 401;
    super(message, { code, scope: 'link', initiator: 'remote', answer: { status }, cause });
  }
}
