/**
 * The tokens of an identity provider, verified: signatures by its keys (JWKS), asymmetric algorithms alone, and the claims
 * that say for whom and for when. Its keys are kept while it is away. It knows no OAuth.
 */
import { createLocalJWKSet, createRemoteJWKSet, customFetch, decodeJwt, errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { fetchFromProvider, providerTimeoutMs } from './bounded-fetch.ts';
import { ProviderError } from './provider-error.ts';

/** A shared secret is no proof of who signed: neither HS* nor `none`, whatever the provider's metadata say. */
const algorithms = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');

/** A token of one of these kinds says who somebody is; a logout token has the same issuer and audience (RFC 8725 §3.11). */
const types: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt']);

/** The least time between two fetches that tokens with unknown keys cause. */
const cooldownMs = 5_000;
/** A key that the provider takes back is taken for no longer, while it is there. */
const maxAgeMs = 600_000;
/** Between our clock and the provider's. */
const clockToleranceSeconds = 30;

export interface Expected {
  readonly issuer: string;
  readonly audience: readonly string[];
  /** Of now, in ms since 1970. */
  readonly nowMs: number;
}

export class ProviderTokens {
  readonly jwksUrl: string;
  readonly #remote: ReturnType<typeof createRemoteJWKSet>;
  #renewsAtMs = -Infinity;

  constructor(jwksUrl: string) {
    this.jwksUrl = jwksUrl;
    this.#remote = createRemoteJWKSet(new URL(jwksUrl), {
      timeoutDuration: providerTimeoutMs,
      cooldownDuration: cooldownMs,
      cacheMaxAge: maxAgeMs,
      [customFetch]: fetchKeys,
    });
  }

  /**
   * The claims of a good token. `isFresh`: it comes from the provider itself, just now, so that a key we do not know is a
   * new one. @throws ProviderError `token_invalid`, `provider_away`
   */
  async verify(token: string, expected: Expected, isFresh = false): Promise<JWTPayload> {
    try {
      return await this.#verify(token, expected, this.#key);
    } catch (error) {
      if (!isFresh || !(error instanceof errors.JWKSNoMatchingKey)) throw explain(error);
    }
    try {
      await this.#remote.reload();
      return await this.#verify(token, expected, this.#remote);
    } catch (error) {
      throw explain(error);
    }
  }

  async #verify(token: string, expected: Expected, key: JWTVerifyGetKey): Promise<JWTPayload> {
    const { issuer, audience, nowMs } = expected;
    const { payload, protectedHeader } = await jwtVerify(token, key, {
      algorithms,
      issuer,
      audience: [...audience],
      requiredClaims: ['exp', 'sub'],
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(nowMs),
    });
    if (!types.has(protectedHeader.typ?.toLowerCase() ?? 'jwt'))
      throw new ProviderError('token_invalid', 'the token is of another kind');
    return payload;
  }

  /**
   * Keys that are here are used at once, however old they are, and others are asked for behind that: a provider that is away
   * takes nothing away, and makes nobody wait.
   */
  readonly #key: JWTVerifyGetKey = async (header, token) => {
    const old = this.#remote.fresh ? undefined : this.#remote.jwks();
    if (old === undefined) return await this.#ask(header, token);
    const renewal = this.#renew();
    try {
      return await createLocalJWKSet(old)(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    await renewal;
    return await createLocalJWKSet(this.#remote.jwks() ?? old)(header, token);
  };

  /** A key that nobody knows is asked for; where the provider does not answer, it is none of those that it gave last. */
  readonly #ask: JWTVerifyGetKey = async (header, token) => {
    try {
      return await this.#remote(header, token);
    } catch (error) {
      const last = this.#remote.jwks();
      if (!(error instanceof ProviderError) || last === undefined) throw error;
      return await createLocalJWKSet(last)(header, token);
    }
  };

  /** One request at a time, and once in a while. What comes of it shows in the keys. */
  async #renew(): Promise<void> {
    const nowMs = performance.now();
    if (!this.#remote.reloading && nowMs < this.#renewsAtMs) return;
    this.#renewsAtMs = nowMs + cooldownMs;
    try {
      await this.#remote.reload();
    } catch (error) {
      if (!(explain(error) instanceof ProviderError)) throw error;
    }
  }
}

async function fetchKeys(url: string): Promise<Response> {
  const response = await fetchFromProvider(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
  });
  if (response.status === 200) return response;
  throw new ProviderError(
    'provider_away',
    `the identity provider answers ${String(response.status)} for its keys`,
  );
}

/** What a token says of its issuer before anything of it is believed; undefined where it is no JWT. */
export function claimedIssuer(token: string): string | undefined {
  try {
    // Whatever its sender wrote: the type says what a good one holds.
    const issuer: unknown = decodeJwt(token).iss;
    return typeof issuer === 'string' ? issuer : undefined;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

function explain(error: unknown): unknown {
  if (error instanceof ProviderError) return error;
  // A key of the set that cannot be used, or is too short: whoever sends a token says which one it is of.
  if (error instanceof TypeError || error instanceof DOMException)
    return invalid("the token names a key of the provider's that is of no use", error);
  if (!(error instanceof errors.JOSEError)) return error;
  if (error instanceof errors.JWTExpired) return invalid('the token has expired', error);
  if (error instanceof errors.JWTClaimValidationFailed)
    return invalid(`the token's claim ${error.claim} is not what it must be`, error);
  if (error instanceof errors.JOSEAlgNotAllowed)
    return invalid('the token is not signed with an asymmetric algorithm', error);
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed)
    return invalid("the token is not signed with one of the provider's keys", error);
  if (error instanceof errors.JWKSTimeout)
    return new ProviderError('provider_away', 'the identity provider is away: its keys cannot be had', error);
  return invalid('the token is not a JWT', error);
}

function invalid(message: string, cause: unknown): ProviderError {
  return new ProviderError('token_invalid', message, cause);
}
