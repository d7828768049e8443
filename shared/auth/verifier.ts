/**
 * Tells whether a token lets an agent in: a JWT (RFC 7519) signed with a key of ours, of the right kind, time, issuer
 * and audience. jose does the cryptography; its errors become reasons a person can act on.
 */
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyOptions, ProtectedHeaderParameters } from 'jose';
import { maxTokenLength } from '../protocol/ask.ts';
import { AuthError } from './auth-error.ts';
import { readGrant } from './grant.ts';
import type { AgentGrant } from './grant.ts';
import type { KeySource, VerificationKey } from './key-source.ts';
import { secretSource } from './key-source.ts';
import { agentTokenType, plainTypes } from './token-type.ts';

/** Whoever can tell what a token grants; kinds of keys differ behind it. */
export interface AgentVerifier {
  /** @throws AuthError with status 401, or 503 while the keys cannot be had */
  verify(token: string | undefined): Promise<AgentGrant>;
}

export interface TokenRules {
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** By how much the clocks of signer and proxy may differ. */
  readonly clockSkewMs?: number;
  /**
   * Whether tokens are taken that do not say that they are for agents. Without it they are where issuer and audience
   * are checked: else any token of the same signer would do, whatever it was made for.
   */
  readonly takesPlainTypes?: boolean;
  /** The wall clock in ms since 1970, which `exp` and `nbf` are compared with. */
  readonly now?: () => number;
}

export interface SecretVerifierOptions extends TokenRules {
  /** At least 32 bytes (UTF-8). */
  readonly secret: string;
}

const bearer = /^Bearer +([^ ]+) *$/i;

/** The token of an Authorization field (RFC 6750 §2.1), or undefined where it holds none. */
export function readBearerToken(authorization: string | undefined): string | undefined {
  return authorization === undefined || authorization.length > maxTokenLength + 16
    ? undefined
    : bearer.exec(authorization)?.[1];
}

/** A verifier for tokens signed with one shared secret, which signs nothing else. */
export function createAgentVerifier({ secret, ...rules }: SecretVerifierOptions): AgentVerifier {
  return new KeyVerifier(secretSource(secret), { takesPlainTypes: true, ...rules });
}

/** A verifier for tokens signed with any key of the source. */
export class KeyVerifier implements AgentVerifier {
  readonly #source: KeySource;
  readonly #rules: TokenRules;
  readonly #takesPlainTypes: boolean;

  constructor(source: KeySource, rules: TokenRules) {
    this.#source = source;
    this.#rules = rules;
    const { issuer, audience, takesPlainTypes } = rules;
    this.#takesPlainTypes = takesPlainTypes ?? (issuer !== undefined && audience !== undefined);
  }

  async verify(token: string | undefined): Promise<AgentGrant> {
    if (token === undefined || token === '')
      throw new AuthError('token_missing', 'a token is needed and none was sent');
    if (token.length > maxTokenLength)
      throw new AuthError('token_malformed', 'the token is too long to be one');
    const head = readHead(token);
    const keys = await this.#keysOf(head);
    const payload = await this.#check(token, keys);
    // Only now is it known that the head is its signer's.
    this.#checkType(head.typ);
    const { expiresAtMs, ...grant } = readGrant(payload);
    return { ...grant, expiresAtMs: expiresAtMs + (this.#rules.clockSkewMs ?? 0) };
  }

  /** What else the head says of keys (`jwk`, `jku`, `x5c`, `x5u`) is the sender's word, and is not read. */
  async #keysOf({ kid, alg }: ProtectedHeaderParameters): Promise<readonly VerificationKey[]> {
    const named = await this.#source.find(kid);
    if (named.length === 0)
      throw new AuthError('token_key', 'the token names a key that this proxy does not have');
    const keys = named.filter((key) => alg !== undefined && key.algorithms.includes(alg));
    if (keys.length > 0) return keys;
    const allowed = [...new Set(named.flatMap(({ algorithms }) => algorithms))];
    throw new AuthError('token_signature', `the token is not signed with ${allowed.join(' or ')}`);
  }

  async #check(token: string, keys: readonly VerificationKey[]): Promise<JWTPayload> {
    const { issuer, audience, clockSkewMs = 0, now = Date.now } = this.#rules;
    const options: JWTVerifyOptions = {
      requiredClaims: ['exp'],
      currentDate: new Date(now()),
      clockTolerance: clockSkewMs / 1_000,
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    };
    let lastError: unknown;
    for (const { key, algorithms } of keys) {
      try {
        // Few keys, and nearly always one.
        // oxlint-disable-next-line no-await-in-loop
        const { payload } = await jwtVerify(token, key, { ...options, algorithms: [...algorithms] });
        return payload;
      } catch (error) {
        lastError = error;
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break;
      }
    }
    throw explain(lastError, this.#source.noun);
  }

  #checkType(typ: unknown): void {
    // RFC 7515 §4.1.9: a media type, of which `application/` may be left out, in any case.
    const type = (typeof typ === 'string' ? typ.toLowerCase() : 'jwt').replace(/^application\//, '');
    if (type === agentTokenType) return;
    if (!plainTypes.includes(type))
      throw new AuthError('token_type', 'the token was made for something else');
    if (this.#takesPlainTypes) return;
    const right = 'such tokens are taken where the proxy has both AGENT_ISSUER and AGENT_AUDIENCE';
    throw new AuthError('token_type', `the token does not say that it is for an agent (typ): ${right}`);
  }
}

function readHead(token: string): ProtectedHeaderParameters {
  try {
    return decodeProtectedHeader(token);
  } catch (error) {
    throw new AuthError('token_malformed', 'the token is not a JWT', error);
  }
}

function explain(error: unknown, signer: string): AuthError {
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
    return new AuthError('token_signature', `the token is not signed with ${signer}`, error);
  }
  return new AuthError('token_malformed', 'the token is not a JWT', error);
}

/** Seconds since 1970 as a person reads them; a time beyond the calendar as the number it is. */
function writeTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}
