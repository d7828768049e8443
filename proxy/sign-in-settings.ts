/** The sign-in of people, as settings: the provider, what is asked of it, and how long a session lasts. */
import type { accessSettings } from './access-settings.ts';
import { isLoopback } from '../shared/net/loopback.ts';
import { minSecretBytes } from '../shared/auth/secret.ts';
import { hasCredentials, hideCredentials, readUrl } from '../shared/config/addresses.ts';
import type { Check, Settings } from '../shared/config/declaration.ts';
import { FormatViolation, list, scalar } from '../shared/config/format.ts';
import type { Format } from '../shared/config/format.ts';
import { secret, text } from '../shared/config/formats.ts';
import { duration } from '../shared/config/measures.ts';

/** What a provider calls itself. Over http its keys and tokens could be anybody's, so only from this machine. */
function issuerUrl(): Format<string> {
  return scalar({
    kind: 'URL',
    right: 'give the https:// URL that the provider names as its issuer, as in https://id.example.com',
    show: hideCredentials,
    parse: (raw) => {
      const url = readUrl(raw);
      if (url === undefined || hasCredentials(url) || url.search !== '' || url.hash !== '') return undefined;
      if (url.protocol === 'https:') return raw;
      if (url.protocol !== 'http:') return undefined;
      const isHere = isLoopback(url.hostname.replace(/^\[|\]$/g, ''));
      if (!isHere) throw new FormatViolation('is not safe over http');
      return raw;
    },
  });
}

/** Several for a rotation: the first seals, all of them open. */
function secrets(): Format<readonly string[]> {
  const one = secret(minSecretBytes);
  return {
    kind: 'secret',
    right: `${one.right}; several are separated by commas or line breaks, the newest first`,
    isSecret: true,
    read(raw, readFile) {
      const given = (typeof raw === 'string' ? raw : raw.join(',')).split(/[,\r\n]/);
      const items = given.map((item) => item.trim()).filter((item) => item !== '');
      if (items.length === 0) throw new FormatViolation('is empty');
      if (items.length > maxSecrets) throw new FormatViolation(`holds more than ${maxSecrets} secrets`);
      return items.map((item) => one.read(item, readFile));
    },
  };
}

/** A cookie that none of them opens costs a try of each. */
const maxSecrets = 8;

function scopes(): Format<readonly string[]> {
  return scalar({
    kind: 'scopes',
    right: 'give scopes separated by blanks, openid among them, as in openid email profile',
    parse: (raw) => {
      const items = raw.split(/[\s,]+/).filter((item) => item !== '');
      // RFC 6749 §3.3, and OpenID Connect Core §3.1.2.1 for openid.
      const isGood = items.every((item) => /^[!#-[\]-~]{1,256}$/.test(item)) && items.length <= 50;
      return isGood && items.includes('openid') ? items : undefined;
    },
  });
}

/** Longer than anybody should be believed on one sign-in. */
const maxSessionMs = 400 * 86_400_000;

export const signInSettings = {
  oidcIssuer: {
    env: 'OIDC_ISSUER',
    format: issuerUrl(),
    example: 'https://id.example.com',
    doc: 'The OpenID Connect provider where people sign in, as it names itself. Without it, nobody can sign in.',
  },
  oidcClientId: {
    env: 'OIDC_CLIENT_ID',
    format: text(),
    example: 'inverting-proxy',
    doc: 'What the provider knows this proxy as.',
  },
  oidcClientSecret: {
    env: 'OIDC_CLIENT_SECRET',
    format: secret(),
    doc: 'What proves that to the provider; without it this proxy is a public client, which PKCE alone protects.',
  },
  oidcScopes: {
    env: 'OIDC_SCOPES',
    format: scopes(),
    default: 'openid email profile',
    example: 'openid email profile offline_access',
    doc: 'What is asked of the provider; many give a refresh token only for offline_access.',
  },
  oidcEmailClaim: {
    env: 'OIDC_EMAIL_CLAIM',
    format: text(),
    default: 'email',
    example: 'preferred_username',
    doc: 'The claim that holds the e-mail address.',
  },
  oidcGroupsClaim: {
    env: 'OIDC_GROUPS_CLAIM',
    format: text(),
    default: 'groups',
    example: 'realm_access.roles',
    doc: 'The claim that holds the groups; with dots for a claim within another.',
  },
  oidcAudience: {
    env: 'OIDC_AUDIENCE',
    format: list(text()),
    default: '',
    example: 'https://tunnel.example.com',
    doc: 'For whom a bearer token must be, one of these; without it, OIDC_CLIENT_ID.',
  },
  sessionSecret: {
    env: 'SESSION_SECRET',
    format: secrets(),
    doc: 'What seals session cookies; several for a rotation, the newest first. Without it one for this run: a restart signs out.',
  },
  sessionTtlMs: {
    env: 'SESSION_TTL',
    format: duration({ maxMs: maxSessionMs }),
    default: '12h',
    doc: 'How long a sign-in lasts at most.',
  },
  sessionIdleTimeoutMs: {
    env: 'SESSION_IDLE_TIMEOUT',
    format: duration({ maxMs: maxSessionMs }),
    default: '4h',
    doc: 'How long a sign-in lasts without a request.',
  },
  sessionRefreshIntervalMs: {
    env: 'SESSION_REFRESH_INTERVAL',
    format: duration({ maxMs: maxSessionMs }),
    default: '10m',
    doc: 'How old the word of the provider about somebody may be before it is asked again, where it gave a refresh token.',
  },
} as const;

type Checked = Settings<typeof accessSettings & typeof signInSettings>;

export const signInChecks: readonly Check<Checked>[] = [
  {
    of: ['oidcIssuer', 'oidcClientId'],
    wrong: ({ oidcIssuer, oidcClientId }) => {
      if ((oidcIssuer === undefined) === (oidcClientId === undefined)) return undefined;
      const [given, missing] =
        oidcClientId === undefined ? ['OIDC_ISSUER', 'OIDC_CLIENT_ID'] : ['OIDC_CLIENT_ID', 'OIDC_ISSUER'];
      return `${given} is given without ${missing}: give both or neither`;
    },
  },
  {
    of: ['clientAccess', 'oidcIssuer', 'basicAuthFile'],
    wrong: ({ clientAccess, oidcIssuer, basicAuthFile }) =>
      clientAccess.kind === 'public' || oidcIssuer !== undefined || basicAuthFile !== undefined
        ? undefined
        : 'CLIENT_ACCESS asks who somebody is, and there is no way to tell: give OIDC_ISSUER or BASIC_AUTH_FILE',
  },
];
