/** The settings that say where the agent has its token from, and the rules over them. */
import { trustedUrl } from '../shared/config/addresses.ts';
import type { Check, Settings } from '../shared/config/declaration.ts';
import { list } from '../shared/config/format.ts';
import { secret, secretOfFile, text } from '../shared/config/formats.ts';
import type { ClientCredentials } from '../shared/auth/client-credentials.ts';
import type { ProxyAddress } from './proxy-address.ts';

export const tokenSettings = {
  token: {
    env: 'TOKEN',
    format: secretOfFile(),
    doc: 'The token that lets this agent in, unless PROXY_URL carries it. Its file is read again when it changes.',
  },
  oidcIssuer: {
    env: 'OIDC_ISSUER',
    format: trustedUrl(),
    example: 'https://id.example.com',
    doc: 'An OpenID provider that issues the token to this agent by client credentials, in place of TOKEN.',
  },
  oidcClientId: {
    env: 'OIDC_CLIENT_ID',
    format: text(),
    example: 'shop-agent',
    doc: 'Who this agent is to that provider.',
  },
  oidcClientSecret: { env: 'OIDC_CLIENT_SECRET', format: secret(), doc: 'What it proves that with.' },
  oidcScopes: {
    env: 'OIDC_SCOPES',
    format: list(text('scope', 256)),
    default: '',
    example: 'tunnel',
    doc: 'The scopes it asks for; without any, what the provider gives.',
  },
  oidcAudience: {
    env: 'OIDC_AUDIENCE',
    format: text(),
    example: 'https://tunnel.example.com',
    doc: 'What the token is to be for, at providers that are told so by "audience".',
  },
  oidcResource: {
    env: 'OIDC_RESOURCE',
    format: text(),
    example: 'https://tunnel.example.com',
    doc: 'What the token is to be for, at providers that are told so by "resource" (RFC 8707).',
  },
} as const;

export type TokenSettings = Settings<typeof tokenSettings>;
type WithProxy = TokenSettings & { readonly proxy: ProxyAddress };

/** Where the token comes from. */
export type TokenOrigin =
  | { readonly kind: 'fixed'; readonly token: string }
  | { readonly kind: 'file'; readonly path: string }
  | ({ readonly kind: 'issued' } & ClientCredentials);

const noToken =
  'TOKEN is missing: give what `inverting-proxy token` prints, in TOKEN, in a file named by TOKEN_FILE, or in PROXY_URL as wss://TOKEN@host';

export const tokenChecks: readonly Check<WithProxy>[] = [
  {
    of: ['token', 'proxy', 'oidcIssuer'],
    wrong: ({ token, proxy, oidcIssuer }) => {
      const given = [
        token === undefined ? [] : ['TOKEN is given'],
        proxy.token === undefined ? [] : ['PROXY_URL carries a token'],
        oidcIssuer === undefined ? [] : ['OIDC_ISSUER is given'],
      ].flat();
      if (given.length === 0) return noToken;
      return given.length === 1 ? undefined : `${given.join(' and ')} too: give one of them`;
    },
  },
  {
    of: ['oidcIssuer', 'oidcClientId', 'oidcClientSecret', 'oidcScopes', 'oidcAudience', 'oidcResource'],
    wrong: (settings) => {
      const { oidcIssuer, oidcClientId, oidcClientSecret, oidcScopes, oidcAudience, oidcResource } = settings;
      if (oidcIssuer === undefined) {
        const rest = [oidcClientId, oidcClientSecret, oidcAudience, oidcResource, oidcScopes[0]];
        return rest.every((value) => value === undefined)
          ? undefined
          : 'OIDC_ISSUER is missing while other OIDC_ settings are given: give the address of the provider';
      }
      return oidcClientId === undefined || oidcClientSecret === undefined
        ? 'OIDC_ISSUER is given without both OIDC_CLIENT_ID and OIDC_CLIENT_SECRET: give them'
        : undefined;
    },
  },
];

/** Of settings that have passed the checks. */
export function tokenOriginOf(settings: WithProxy): TokenOrigin {
  const { token, proxy, oidcIssuer, oidcClientId, oidcClientSecret } = settings;
  if (oidcIssuer !== undefined && oidcClientId !== undefined && oidcClientSecret !== undefined) {
    return {
      kind: 'issued',
      issuer: oidcIssuer,
      clientId: oidcClientId,
      clientSecret: oidcClientSecret,
      scopes: settings.oidcScopes,
      audience: settings.oidcAudience,
      resource: settings.oidcResource,
    };
  }
  if (token?.file !== undefined) return { kind: 'file', path: token.file };
  const fixed = token?.secret ?? proxy.token;
  if (fixed === undefined) throw new Error('an agent without a token passed its checks');
  return { kind: 'fixed', token: fixed };
}
