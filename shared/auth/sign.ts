/** Makes the tokens that the verifier of the same secret takes. */
import { createSecretKey, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { maxTokenLength } from '../protocol/ask.ts';
import { AuthError } from './auth-error.ts';
import { readGrant } from './grant.ts';
import { readSecret } from './secret.ts';

export interface TokenOrder {
  readonly secret: string;
  readonly backends: readonly string[];
  /** Host patterns; none: the default of each id. */
  readonly hosts?: readonly string[];
  /** Path prefixes; none: every path. */
  readonly paths?: readonly string[];
  readonly ttlMs: number;
  readonly subject?: string;
  /** The wall clock in ms since 1970. */
  readonly nowMs: number;
}

/**
 * A token with `iat`, `exp` and a fresh `jti`; its times are whole seconds, and a part of one counts as one.
 *
 * @throws AuthError `token_claims` where a name is malformed, `token_malformed` where all of them are too long for a token
 */
export async function signAgentToken(order: TokenOrder): Promise<string> {
  const { secret, backends, hosts = [], paths = [], ttlMs, subject, nowMs } = order;
  const issuedAt = Math.floor(nowMs / 1000);
  const claims = {
    backend: backends,
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(paths.length === 0 ? {} : { paths }),
    ...(subject === undefined ? {} : { sub: subject }),
    iat: issuedAt,
    exp: issuedAt + Math.ceil(ttlMs / 1000),
    jti: randomUUID(),
  };
  readGrant(claims);
  const key = createSecretKey(readSecret(secret));
  const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'JWT' }).sign(key);
  if (token.length > maxTokenLength)
    throw new AuthError('token_malformed', 'so many names make the token too long');
  return token;
}
