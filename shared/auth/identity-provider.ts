/**
 * An OpenID Connect provider, as the proxy needs it: a person is sent there and comes back as somebody (authorization code
 * flow with PKCE, state, nonce and the issuer check of RFC 9207), is asked after in the background, and signed out.
 * openid-client does the protocol; it is loaded and the provider is asked for its metadata when somebody first needs it,
 * so that a provider that is away does not keep the proxy from starting.
 */
import type * as OpenidClient from 'openid-client';
import { fetchFromProvider, providerTimeoutMs } from './bounded-fetch.ts';
import { isComplete, readProfile } from './profile.ts';
import type { ClaimNames, Claims, Profile } from './profile.ts';
import { ProviderError } from './provider-error.ts';
import { ProviderTokens } from './provider-tokens.ts';

export interface IdentityProviderOptions {
  readonly issuer: string;
  readonly clientId: string;
  /** Undefined: a public client, which PKCE alone protects. */
  readonly clientSecret: string | undefined;
  readonly scopes: readonly string[];
  /** For whom a bearer token must be. */
  readonly audience: readonly string[];
  readonly claimNames: ClaimNames;
  /** The wall clock in ms since 1970. */
  readonly now?: () => number;
}

/** What must come back with the person: kept by their browser, sealed. */
export interface Transaction {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface SignedIn {
  readonly profile: Profile;
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
}

/** Everything that was learnt of the provider. */
interface Known {
  readonly client: typeof OpenidClient;
  readonly config: OpenidClient.Configuration;
  readonly tokens: ProviderTokens;
  readonly issuer: string;
}

/**
 * What no token has that says by itself who sends it: an agent's says what may be served, a logout token what has happened
 * (OpenID Connect Back-Channel Logout §2.4), and one that is bound to a key (RFC 7800, RFC 9449) is nothing without a proof.
 */
const foreignClaims = ['backend', 'events', 'cnf'] as const;

/** Metadata change rarely; the old ones are used while new ones cannot be had. */
const maxAgeMs = 3_600_000;
/** Between two tries while it is away: doubling. */
const retryMs = { first: 1_000, longest: 30_000 } as const;

export class IdentityProvider {
  readonly #options: IdentityProviderOptions;
  readonly #now: () => number;
  #known: Known | undefined;
  #knownAtMs = 0;
  #running: Promise<Known> | undefined;
  #failure: { readonly error: ProviderError; readonly untilMs: number; readonly pauseMs: number } | undefined;

  constructor(options: IdentityProviderOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Where to send a person who is to sign in. @throws ProviderError */
  async begin(redirectUri: string, prompt?: 'login'): Promise<{ url: string; transaction: Transaction }> {
    const { client, config } = await this.#learn();
    const transaction = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    };
    const parameters = {
      redirect_uri: redirectUri,
      scope: this.#options.scopes.join(' '),
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(transaction.verifier),
      code_challenge_method: 'S256',
      ...(prompt === undefined ? {} : { prompt }),
    };
    try {
      return { url: client.buildAuthorizationUrl(config, parameters).href, transaction };
    } catch (error) {
      throw explain(client, error);
    }
  }

  /** Who has come back. `currentUrl` is the callback with the provider's query. @throws ProviderError */
  async finish(currentUrl: URL, { state, nonce, verifier }: Transaction): Promise<SignedIn> {
    const known = await this.#learn();
    try {
      const answer = await known.client.authorizationCodeGrant(known.config, currentUrl, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      });
      const { id_token: idToken, refresh_token: refreshToken, access_token: accessToken } = answer;
      if (idToken === undefined) throw new ProviderError('sign_in_invalid', 'no ID token came');
      const profile = await this.#readIdToken(known, idToken, accessToken);
      return { profile, refreshToken, idToken };
    } catch (error) {
      throw explain(known.client, error);
    }
  }

  /** Whether somebody still is who they were. Without a profile, the provider says nothing new. @throws ProviderError */
  async refresh(
    refreshToken: string,
    subject: string,
  ): Promise<Pick<SignedIn, 'refreshToken' | 'idToken'> & { readonly profile: Profile | undefined }> {
    const known = await this.#learn();
    try {
      const answer = await known.client.refreshTokenGrant(known.config, refreshToken);
      const { id_token: idToken, refresh_token: next = refreshToken, access_token: accessToken } = answer;
      const profile =
        idToken === undefined
          ? await this.#readUserInfo(known, {}, accessToken, subject)
          : await this.#readIdToken(known, idToken, accessToken);
      if (profile !== undefined && profile.subject !== subject)
        throw new ProviderError('sign_in_invalid', 'the refreshed token is of somebody else');
      return { profile, refreshToken: next, idToken };
    } catch (error) {
      throw explain(known.client, error);
    }
  }

  /** Who a bearer token says its sender is. @throws ProviderError */
  async verifyBearer(token: string): Promise<Profile> {
    const { tokens, issuer } = await this.#learn();
    const { audience, claimNames } = this.#options;
    const claims: Claims = await tokens.verify(token, { issuer, audience, nowMs: this.#now() });
    const isForOther = foreignClaims.some((name) => claims[name] !== undefined);
    const profile = isForOther ? undefined : readProfile(claims, claimNames);
    if (profile === undefined) throw new ProviderError('token_invalid', 'the token names nobody');
    return profile;
  }

  /** Where the provider ends its own session; undefined where it has no such place. @throws ProviderError */
  async signOutUrl(idToken: string | undefined): Promise<string | undefined> {
    const { client, config } = await this.#learn();
    if (config.serverMetadata().end_session_endpoint === undefined) return undefined;
    try {
      return client.buildEndSessionUrl(config, idToken === undefined ? {} : { id_token_hint: idToken }).href;
    } catch (error) {
      throw explain(client, error);
    }
  }

  async #readIdToken(known: Known, idToken: string, accessToken: string): Promise<Profile> {
    const { issuer, tokens } = known;
    const { clientId, claimNames } = this.#options;
    const expected = { issuer, audience: [clientId], nowMs: this.#now() };
    const claims: Claims = await tokens.verify(idToken, expected, true);
    const profile = readProfile(claims, claimNames);
    if (profile === undefined) throw new ProviderError('sign_in_invalid', 'the ID token names nobody');
    if (isComplete(claims, claimNames)) return profile;
    return (await this.#readUserInfo(known, claims, accessToken, profile.subject)) ?? profile;
  }

  /** Many providers say who somebody is there alone. What the ID token has said counts more: it is signed. */
  async #readUserInfo(
    { client, config }: Known,
    claims: Claims,
    accessToken: string,
    subject: string,
  ): Promise<Profile | undefined> {
    if (config.serverMetadata().userinfo_endpoint === undefined) return undefined;
    const said: Claims = await client.fetchUserInfo(config, accessToken, subject);
    return readProfile({ ...said, ...claims }, this.#options.claimNames);
  }

  /** @throws ProviderError `provider_away` */
  async #learn(): Promise<Known> {
    const isOld = this.#now() - this.#knownAtMs > maxAgeMs;
    if (this.#known !== undefined && !isOld) return this.#known;
    const failure = this.#failure;
    if (failure !== undefined && this.#now() < failure.untilMs) {
      if (this.#known !== undefined) return this.#known;
      throw failure.error;
    }
    this.#running ??= this.#discover().finally(() => {
      this.#running = undefined;
    });
    if (this.#known === undefined) return await this.#running;
    // In the background. Why it failed is kept for who asks next.
    this.#running.catch(() => undefined);
    return this.#known;
  }

  async #discover(): Promise<Known> {
    const client = await import('openid-client');
    try {
      const { issuer, clientId, clientSecret } = this.#options;
      const server = new URL(issuer);
      const config = await client.discovery(server, clientId, {}, authenticationOf(client, clientSecret), {
        timeout: providerTimeoutMs / 1000,
        [client.customFetch]: fetchFromProvider,
        // The settings take http from this machine alone.
        // oxlint-disable-next-line typescript/no-deprecated -- marked so that it is noticed
        execute: server.protocol === 'http:' ? [client.allowInsecureRequests] : [],
      });
      const { issuer: name, jwks_uri: keysUrl } = config.serverMetadata();
      const jwksUrl = readKeysUrl(keysUrl, server);
      if (jwksUrl === undefined)
        throw new ProviderError('provider_away', 'the metadata name no place for keys, or one without TLS');
      const before = this.#known?.tokens;
      const tokens = before?.jwksUrl === jwksUrl ? before : new ProviderTokens(jwksUrl);
      this.#known = { client, config, tokens, issuer: name };
      this.#knownAtMs = this.#now();
      this.#failure = undefined;
      return this.#known;
    } catch (error) {
      throw this.#failed(explain(client, error));
    }
  }

  /** Whatever is wrong with the metadata, the provider cannot be used until they change. */
  #failed(error: unknown): unknown {
    if (!(error instanceof ProviderError)) return error;
    const pauseMs = Math.min((this.#failure?.pauseMs ?? retryMs.first / 2) * 2, retryMs.longest);
    const away =
      error.code === 'provider_away' ? error : new ProviderError('provider_away', error.message, error);
    this.#failure = { error: away, untilMs: this.#now() + pauseMs, pauseMs };
    return away;
  }
}

/** Over http the keys could be anybody's: only where the provider itself is asked so, on this machine. */
function readKeysUrl(text: unknown, { protocol }: URL): string | undefined {
  const url = typeof text === 'string' ? URL.parse(text) : null;
  return url !== null && (url.protocol === 'https:' || url.protocol === protocol) ? url.href : undefined;
}

/** As the provider says that it takes it; where it says nothing, as OpenID Connect Discovery §3 has it. */
function authenticationOf(client: typeof OpenidClient, secret: string | undefined): OpenidClient.ClientAuth {
  if (secret === undefined) return client.None();
  const basic = client.ClientSecretBasic(secret);
  const post = client.ClientSecretPost(secret);
  return (server, ...rest) => {
    const taken = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    return (taken.includes('client_secret_basic') ? basic : post)(server, ...rest);
  };
}

/** openid-client's errors as ours; never with what the provider or a token said, but for a registered error code. */
function explain(client: typeof OpenidClient, error: unknown): unknown {
  if (error instanceof ProviderError) return error;
  if (!(error instanceof Error)) return error;
  if (error.cause instanceof ProviderError) return error.cause;
  if (error instanceof client.AuthorizationResponseError || error instanceof client.ResponseBodyError) {
    const said = codeOf(error.error);
    return new ProviderError('provider_refused', `the identity provider says ${said}`, error, said);
  }
  if (error instanceof client.WWWAuthenticateChallengeError)
    return new ProviderError('provider_refused', 'the identity provider refuses its own token', error);
  if (error instanceof client.ClientError) {
    if (error.code === 'OAUTH_TIMEOUT')
      return new ProviderError('provider_away', 'the identity provider is away: no answer in time', error);
    return new ProviderError('sign_in_invalid', notValid, error);
  }
  // What it does not wrap: the errors of its core, which have such a code, and those of a text of the provider that is no URL.
  const isOfCore = 'code' in error && String(error.code).startsWith('OAUTH_');
  return isOfCore || error instanceof TypeError
    ? new ProviderError('sign_in_invalid', notValid, error)
    : error;
}

const notValid = 'the answer of the identity provider is not valid';

/** RFC 6749 §4.1.2.1: printable ASCII without quotes; what is longer or other is no code. */
function codeOf(code: string): string {
  return /^[\w.:-]{1,64}$/.test(code) ? code : 'an error';
}
