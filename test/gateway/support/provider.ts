/** A real OpenID provider that issues tokens to agents by client credentials: JWTs for one resource, with our claims. */
import { createServer } from 'node:http';
import type { Test } from 'tap';
import { Provider } from 'oidc-provider';
import type { JWK } from 'oidc-provider';
import { createKeyPair } from '../../../shared/auth/signing-key.ts';
import { listen } from '../../e2e/support/listen.ts';

export interface TestProvider {
  readonly issuer: string;
  /** Requests for a token so far. */
  issued: number;
  /** Answers 503 to all. */
  isAway: boolean;
  /** How long its tokens live. */
  lifeSeconds: number;
  /** Signs with another key from now on, and publishes that alone. */
  rotate(): Promise<void>;
}

export const client = { id: 'shop-agent', secret: 'a client secret that nobody else knows' };
export const resource = 'https://tunnel.test/agents';

export async function startProvider(t: Test): Promise<TestProvider> {
  let current: Provider | undefined;
  const server = createServer((request, response) => {
    if (request.url === '/token') provider.issued += 1;
    if (provider.isAway) response.writeHead(503).end('away');
    else void current?.callback()(request, response);
  });
  const issuer = `http://127.0.0.1:${await listen(server)}`;
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const provider: TestProvider = {
    issuer,
    issued: 0,
    isAway: false,
    lifeSeconds: 3_600,
    rotate: async () => {
      const jwk: JWK = JSON.parse((await createKeyPair('RS256', 'jwk')).privateText);
      current = createProvider(issuer, jwk, () => provider.lifeSeconds);
    },
  };
  await provider.rotate();
  return provider;
}

function createProvider(issuer: string, jwk: JWK, lifeSeconds: () => number): Provider {
  return new Provider(issuer, {
    jwks: { keys: [jwk] },
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    scopes: ['tunnel'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: 'tunnel',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: lifeSeconds(),
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    extraTokenClaims: () => ({ backend: 'default' }),
  });
}
