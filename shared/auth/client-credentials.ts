/**
 * Fetches a token by OAuth 2.0 client credentials (RFC 6749 §4.4) from a provider that is found by discovery. It knows
 * neither agents nor proxies. openid-client and what it needs are loaded with this file: import it where it is used.
 */
import { decodeJwt, errors } from 'jose';
import {
  allowInsecureRequests,
  clientCredentialsGrant,
  ClientSecretBasic,
  ClientSecretPost,
  customFetch,
  discovery,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import type { Configuration, CustomFetchOptions } from 'openid-client';
import { readWhole } from './bounded-fetch.ts';
import { ProviderError } from './provider-error.ts';

export interface ClientCredentials {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  /** What the token is to be for, as some providers want it (`audience`). */
  readonly audience: string | undefined;
  /** The same, as others do (`resource`, RFC 8707). */
  readonly resource: string | undefined;
}

export interface FetchedToken {
  readonly token: string;
  /** How long it lives from now. */
  readonly lifeMs: number;
}

/** What is fetched once lives for a while: a provider that tells no end is asked again after that. */
const defaultLifeMs = 5 * 60_000;
const timeoutSeconds = 10;

/** @throws whatever openid-client does; `reasonOf` says it */
export async function fetchToken(
  credentials: ClientCredentials,
  signal: AbortSignal,
  nowMs: number = Date.now(),
): Promise<FetchedToken> {
  const { scopes, audience, resource } = credentials;
  const configuration = await discover(credentials, signal);
  const { access_token: token, expires_in: seconds } = await clientCredentialsGrant(configuration, {
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...(audience === undefined ? {} : { audience }),
    ...(resource === undefined ? {} : { resource }),
  });
  return { token, lifeMs: lifeOf(token, seconds, nowMs) };
}

/** Anew each time: it is a matter of hours, and a provider may have moved meanwhile. */
async function discover(
  { issuer, clientId, clientSecret }: ClientCredentials,
  signal: AbortSignal,
): Promise<Configuration> {
  const url = new URL(issuer);
  const options = {
    timeout: timeoutSeconds,
    // The setting takes http for this machine alone.
    ...(url.protocol === 'http:' ? { execute: [allowInsecureRequests] } : {}),
    [customFetch]: async (target: string, init: CustomFetchOptions): Promise<Response> => {
      const signals = init.signal === undefined ? [signal] : [signal, init.signal];
      const request = { ...init, body: init.body ?? null, signal: AbortSignal.any(signals) };
      return readWhole(await fetch(target, request));
    },
  };
  const found = await discovery(url, clientId, undefined, ClientSecretBasic(clientSecret), options);
  // RFC 8414 §2: without the field it is client_secret_basic.
  const methods = found.serverMetadata().token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  if (methods.includes('client_secret_basic') || !methods.includes('client_secret_post')) return found;
  return discovery(url, clientId, undefined, ClientSecretPost(clientSecret), options);
}

/** What the answer says, or else what the token says, where it can be read. */
function lifeOf(token: string, seconds: number | undefined, nowMs: number): number {
  if (seconds !== undefined) return seconds * 1_000;
  try {
    // Nobody has judged it: it may be anything that JSON holds.
    const { exp }: { readonly exp?: unknown } = decodeJwt(token);
    return typeof exp === 'number' ? exp * 1_000 - nowMs : defaultLifeMs;
  } catch (error) {
    if (error instanceof errors.JWTInvalid) return defaultLifeMs;
    throw error;
  }
}

/** Why there is no token, in words without anything of what was sent. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  if (error instanceof WWWAuthenticateChallengeError) {
    const said = error.cause.map(({ parameters }) => parameters.error).find((name) => name !== undefined);
    return `the provider answered ${printable(said ?? String(error.status))}`;
  }
  // What the provider says: invalid_client, invalid_scope (RFC 6749 §5.2).
  if ('error' in error && typeof error.error === 'string')
    return `the provider answered ${printable(error.error)}`;
  const { cause } = error;
  const inner = cause instanceof Error ? cause : undefined;
  if (inner instanceof ProviderError) return printable(inner.message);
  const code = inner !== undefined && 'code' in inner ? String(inner.code) : undefined;
  return printable(code === undefined ? error.message : `${error.message} (${code})`);
}

function printable(text: string): string {
  return text.slice(0, 200).replaceAll(/[^\x20-\x7e]/gu, ' ');
}
