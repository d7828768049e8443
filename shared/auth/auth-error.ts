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
  | 'token_key'
  | 'token_type'
  | 'token_expired'
  | 'token_not_yet'
  | 'token_revoked'
  | 'token_claims';

/** 403: the token is good, and does not grant what was asked for. */
export type GrantErrorCode = 'backend_not_granted' | 'route_not_granted';

/** 503: nobody can tell yet whether the token is good. */
export type KeysErrorCode = 'keys_unavailable';

export type AuthErrorCode = TokenErrorCode | GrantErrorCode | KeysErrorCode;

export interface AuthAnswer {
  readonly status: 401 | 403 | 503;
}

export class AuthError extends TunnelError<AuthErrorCode, AuthAnswer> {
  constructor(code: AuthErrorCode, message: string, cause?: unknown) {
    super(message, { code, scope: 'link', initiator: 'remote', answer: { status: statusOf(code) }, cause });
  }
}

function statusOf(code: AuthErrorCode): AuthAnswer['status'] {
  if (code === 'keys_unavailable') return 503;
  return code === 'backend_not_granted' || code === 'route_not_granted' ? 403 : 401;
}
