/** Makes the tokens that the verifier of the same key takes. */
import { createSecretKey, randomUUID } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { maxTokenLength } from '../protocol/ask.ts';
import { AuthError } from './auth-error.ts';
import { readGrant } from './grant.ts';
import { readSecret } from './secret.ts';
import type { SigningKey } from './signing-key.ts';
import { agentTokenType } from './token-type.ts';

/** What signs it: the proxy's secret (HS256) or a private key, whose kind says how. */
export type TokenSigner = { readonly secret: string } | { readonly signingKey: SigningKey };

export type TokenOrder = TokenSigner & {
  /** Which key signs, for a verifier with several; without it, what a private JWK calls itself. */
  readonly kid?: string | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  readonly backends: readonly string[];
  /** Host patterns; none: the default of each id. */
  readonly hosts?: readonly string[];
  /** Path prefixes; none: every path. */
  readonly paths?: readonly string[];
  /** How many links at a time; undefined: no bound of its own. */
  readonly links?: number | undefined;
  readonly ttlMs: number;
  readonly subject?: string | undefined;
  /** The wall clock in ms since 1970. */
  readonly nowMs: number;
};

/**
 * A token with `iat`, `exp` and a fresh `jti`; its times are whole seconds, and a part of one counts as one.
 *
 * @throws AuthError `token_claims` where a name is malformed, `token_malformed` where all of them are too long for a token
 */
export async function signAgentToken(order: TokenOrder): Promise<string> {
  const { backends, hosts = [], paths = [], links, ttlMs, subject, issuer, audience, nowMs } = order;
  const issuedAt = Math.floor(nowMs / 1000);
  const claims = {
    ...(issuer === undefined ? {} : { iss: issuer }),
    ...(audience === undefined ? {} : { aud: audience }),
    backend: backends,
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(paths.length === 0 ? {} : { paths }),
    ...(links === undefined ? {} : { links }),
    ...(subject === undefined ? {} : { sub: subject }),
    iat: issuedAt,
    exp: issuedAt + Math.ceil(ttlMs / 1000),
    jti: randomUUID(),
  };
  readGrant(claims);
  const { key, algorithm, kid } =
    'secret' in order
      ? { key: createSecretKey(readSecret(order.secret)), algorithm: 'HS256', kid: order.kid }
      : { ...order.signingKey, kid: order.kid ?? order.signingKey.kid };
  const head = { alg: algorithm, typ: agentTokenType, ...(kid === undefined ? {} : { kid }) };
  const token = await new SignJWT(claims).setProtectedHeader(head).sign(key);
  if (token.length > maxTokenLength)
    throw new AuthError('token_malformed', 'so many names make the token too long');
  return token;
}

/** What a token says, line by line for whoever has just made it. Its signature is not looked at. */
export function describeToken(token: string): string {
  const { alg, kid } = decodeProtectedHeader(token);
  const { iss, aud, jti } = decodeJwt(token);
  const { backends, hosts, paths, links, subject, expiresAtMs } = readGrant(decodeJwt(token));
  const lines: readonly (readonly [name: string, value: string])[] = [
    ['backends', backends.join(', ')],
    ['hosts', hosts?.join(', ') ?? 'the default of each backend'],
    ['paths', paths?.join(', ') ?? 'every path'],
    ['links', links === undefined ? 'no bound of its own' : `at most ${links} for one backend`],
    ['valid until', new Date(expiresAtMs).toISOString()],
    ['subject', subject ?? 'none'],
    ['id (jti)', jti ?? 'none'],
    ['issuer', iss ?? 'none'],
    ['audience', [aud ?? 'none'].flat().join(', ')],
    ['signed with', kid === undefined ? String(alg) : `${String(alg)}, key ${kid}`],
  ];
  return lines.map(([name, value]) => `${`${name}:`.padEnd(13)}${value}\n`).join('');
}
