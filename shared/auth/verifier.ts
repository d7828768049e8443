/**
 * Tells whether a token is one of ours: JWTs (RFC 7519) signed with HS256 and the proxy's secret. jose does the
 * cryptography; its errors become reasons a person can act on.
 */
import { createSecretKey } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import { maxTokenLength } from '../protocol/ask.ts';
import { AuthError } from './auth-error.ts';
import { readGrant } from './grant.ts';
import type { AgentGrant } from './grant.ts';
import { readSecret } from './secret.ts';

/** Whoever can tell what a token grants; kinds of keys differ behind it. */
export interface AgentVerifier {
  /** @throws AuthError with status 401 */
  verify(token: string | undefined): Promise<AgentGrant>;
}

export interface SecretVerifierOptions {
  /** At least 32 bytes (UTF-8). */
  readonly secret: string;
  /** The wall clock in ms since 1970, which `exp` and `nbf` are compared with. */
  readonly now?: () => number;
}

const bearer = /^Bearer +([^ ]+) *$/i;

/** The token of an Authorization field (RFC 6750 §2.1), or undefined where it holds none. */
export function readBearerToken(authorization: string | undefined): string | undefined {
  return authorization === undefined || authorization.length > maxTokenLength + 16
    ? undefined
    : bearer.exec(authorization)?.[1];
}

/** A verifier for tokens signed with one shared secret. The algorithm is pinned: what the token's head says changes nothing. */
export function createAgentVerifier({ secret, now = Date.now }: SecretVerifierOptions): AgentVerifier {
  const key = createSecretKey(readSecret(secret));
  return {
    async verify(token) {
      if (token === undefined || token === '')
        throw new AuthError('token_missing', 'a token is needed and none was sent');
      if (token.length > maxTokenLength)
        throw new AuthError('token_malformed', 'the token is too long to be one');
      let payload: JWTPayload;
      try {
        const options = { algorithms: ['HS256'], requiredClaims: ['exp'], currentDate: new Date(now()) };
        ({ payload } = await jwtVerify(token, key, options));
      } catch (error) {
        throw explain(error);
      }
      return readGrant(payload);
    },
  };
}

function explain(error: unknown): AuthError {
  if (!(error instanceof errors.JOSEError)) throw error;
  if (error instanceof errors.JWTExpired) {
    const { exp } = error.payload;
    const when = typeof exp === 'number' ? ` at ${writeTime(exp)}` : '';
    return new AuthError('token_expired', `the token has expired${when}`, error);
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason, payload } = error;
    if (claim === 'nbf' && reason === 'check_failed' && payload.nbf !== undefined) {
      return new AuthError('token_not_yet', `the token is not valid before ${writeTime(payload.nbf)}`, error);
    }
    const wrong = reason === 'missing' ? 'is missing' : 'is not what it must be';
    return new AuthError('token_claims', `the token's claim ${claim} ${wrong}`, error);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new AuthError('token_signature', "the token is not signed with this proxy's secret", error);
  }
  if (error instanceof errors.JOSEAlgNotAllowed) {
    return new AuthError('token_signature', 'the token is not signed with HS256', error);
  }
  return new AuthError('token_malformed', 'the token is not a JWT', error);
}

/** Seconds since 1970 as a person reads them; a time beyond the calendar as the number it is. */
function writeTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}
