/**
 * A real identity server (oidc-provider) in this process, on a free port of loopback: its accounts, its keys, its absence and
 * what it is asked. Nobody types a password: whoever comes is signed in as the account that the test names, or picks one from a
 * form where a browser is to do it.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';
import type { Configuration, JWK } from 'oidc-provider';
import type { Test } from 'tap';
import { listen } from '../../e2e/support/listen.ts';

export type Claims = Readonly<Record<string, unknown>>;

export const clientId = 'the-proxy';
export const clientSecret = 'a secret between the proxy and its provider';
/** What JWT access tokens of this server are for, where a test wants one. */
export const audience = 'https://tunnel.example.com';

export class IdentityServer {
  readonly port: number;
  /** Who is signed in without being asked; undefined shows a form. */
  account: string | undefined = 'alice';
  readonly accounts = new Map<string, Claims>([
    ['alice', { email: 'alice@example.com', email_verified: true, groups: ['staff', 'ops'] }],
    ['mallory', { email: 'mallory@evil.example', email_verified: true, groups: [] }],
  ]);
  /** Paths that were asked for, in order. */
  readonly asked: string[] = [];
  /** Tokens that it gave away. */
  readonly issued: string[] = [];
  /** Connections are cut, as if nobody were there. */
  isAway = false;
  /** Changes what it would answer, for answers that no honest server gives. */
  forge: ((path: string, body: string) => string) | undefined;
  #provider: Provider | undefined;
  #redirectUris: readonly string[] = [];
  #key = createKey();

  private constructor(port: number) {
    this.port = port;
  }

  static async listen(t: Test): Promise<IdentityServer> {
    let identity: IdentityServer | undefined;
    const server: Server = createServer((request, response) => {
      if (identity === undefined) response.destroy();
      else void identity.#handle(request, response);
    });
    identity = new IdentityServer(await listen(server));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    return identity;
  }

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Clients may come back to these origins from now on. */
  allow(...origins: string[]): void {
    this.#redirectUris = origins.map((origin) => `${origin}/.well-known/inverting-proxy/callback`);
    this.#start();
  }

  /** New keys: what the old ones signed is nothing any more. */
  rotate(): void {
    this.#key = createKey();
    this.#start();
  }

  /** The key that signs, for tokens that the server itself would not make. */
  get key(): SigningKey {
    return this.#key;
  }

  /** Accounts that are there no more. */
  readonly closed = new Set<string>();

  #start(): void {
    this.#provider = new Provider(this.issuer, this.#configuration());
  }

  #configuration(): Configuration {
    return {
      clients: [
        {
          client_id: clientId,
          client_secret: clientSecret,
          grant_types: ['authorization_code', 'refresh_token'],
          redirect_uris: [...this.#redirectUris],
          post_logout_redirect_uris: [],
        },
      ],
      cookies: { keys: ['a key for cookies of tests'] },
      claims: { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] },
      scopes: ['openid', 'offline_access', 'email', 'groups'],
      jwks: { keys: [this.#key.jwk] },
      pkce: { required: () => true },
      features: {
        devInteractions: { enabled: false },
        rpInitiatedLogout: { enabled: true },
      },
      interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
      ttl: {
        AccessToken: 3600,
        AuthorizationCode: 60,
        IdToken: 3600,
        Interaction: 600,
        Session: 3600,
        Grant: 3600,
      },
      issueRefreshToken: (_context, client) => Promise.resolve(client.grantTypeAllowed('refresh_token')),
      findAccount: (_context, id) => {
        const claims = this.accounts.get(id);
        if (claims === undefined || this.closed.has(id)) return undefined;
        return { accountId: id, claims: () => ({ sub: id, ...claims }) };
      },
      loadExistingGrant: async ({ oidc }) => {
        const { client, session } = oidc;
        const provider = this.#provider;
        if (client === undefined || session === undefined || provider === undefined) return undefined;
        const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId ?? '' });
        grant.addOIDCScope('openid email groups offline_access');
        await grant.save();
        return grant;
      },
    };
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.issuer);
    this.asked.push(url.pathname);
    if (this.isAway || this.#provider === undefined) {
      request.socket.destroy();
      return;
    }
    this.#watch(url.pathname, response);
    if (url.pathname.startsWith('/interaction/')) await this.#interact(url, request, response);
    else this.#provider.callback()(request, response);
  }

  /** The login: at once, or by a form of one button an account. */
  async #interact(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const account = this.account ?? url.searchParams.get('account');
    if (account === null) {
      const choices = Array.from(
        this.accounts.keys(),
        (id) => `<p><a id="${id}" href="?account=${id}">${id}</a></p>`,
      );
      response.setHeader('content-type', 'text/html').end(`<h1>Who are you?</h1>${choices.join('')}`);
      return;
    }
    await this.#provider?.interactionFinished(request, response, { login: { accountId: account } });
  }

  /** Its answers are small and written at once. */
  #watch(path: string, response: ServerResponse): void {
    const end = response.end.bind(response);
    const write = (chunk: unknown): string | undefined => {
      if (typeof chunk !== 'string' && !Buffer.isBuffer(chunk)) return undefined;
      const body = this.forge?.(path, chunk.toString()) ?? chunk.toString();
      if (!response.headersSent) response.setHeader('content-length', Buffer.byteLength(body));
      if (path === '/token') this.#note(body);
      return body;
    };
    response.end = (chunk?: unknown) => end(write(chunk));
  }

  #note(body: string): void {
    const answer: unknown = JSON.parse(body);
    if (typeof answer !== 'object' || answer === null) return;
    for (const [name, value] of Object.entries(answer))
      if (name.endsWith('_token') && typeof value === 'string') this.issued.push(value);
  }
}

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly jwk: JWK;
}

function createKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomUUID();
  return { kid, privateKey, jwk: { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' } };
}
