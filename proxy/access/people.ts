/**
 * People who sign in at an identity provider, put together from the settings: by session or by bearer token, and the pages
 * of the sign-in. Nothing is asked of the provider before somebody needs it.
 */
import { createSecret } from '../../shared/auth/secret.ts';
import { createSealer } from '../../shared/auth/sealed.ts';
import { IdentityProvider } from '../../shared/auth/identity-provider.ts';
import type { Log } from '../../shared/log/log.ts';
import type { ProxySettings } from '../config.ts';
import type { PageLink } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { createBearer } from './bearer.ts';
import { createBySession, withholdCookies } from './by-session.ts';
import { pagePath } from './page-paths.ts';
import type { Page } from './pages.ts';
import { SessionMemory } from './session-memory.ts';
import { fitting, Sessions } from './session.ts';
import { SignIn, signInPath } from './sign-in.ts';
import { SignOut } from './sign-out.ts';
import { readReturnPath } from './site.ts';
import type { Authenticator, Check } from './visit.ts';

export interface PeopleOptions {
  readonly settings: ProxySettings;
  readonly log: Log;
  /** The wall clock in ms since 1970. */
  readonly now?: () => number;
}

export interface People {
  readonly withholdCookies: Check;
  readonly authenticators: readonly Authenticator[];
  readonly pages: ReadonlyMap<string, Page>;
  /** For a person who is not known and cannot be sent to the provider. */
  readonly waysIn: readonly PageLink[];
  /** For somebody whose account is not let in. */
  readonly waysOut: (exchange: Exchange) => readonly PageLink[];
}

/** Undefined: no provider is configured. */
export function createPeople({ settings, log, now = Date.now }: PeopleOptions): People | undefined {
  const { oidcIssuer: issuer, oidcClientId: clientId, publicUrl, clientAccess } = settings;
  if (issuer === undefined || clientId === undefined) return undefined;
  const audience = settings.oidcAudience.length === 0 ? [clientId] : settings.oidcAudience;
  const provider = new IdentityProvider({
    issuer,
    clientId,
    clientSecret: settings.oidcClientSecret,
    scopes: settings.oidcScopes,
    audience,
    claimNames: { email: settings.oidcEmailClaim, groups: settings.oidcGroupsClaim },
    now,
  });
  if (settings.sessionSecret === undefined)
    log.warn({ setting: 'SESSION_SECRET' }, 'sessions end with this run: no SESSION_SECRET is set');
  const secrets = settings.sessionSecret ?? [createSecret()];
  const named = new Set(clientAccess.kind === 'listed' ? clientAccess.groups : []);
  const isNamed = (group: string): boolean => named.has(group);
  const sessions = new Sessions({
    sealer: createSealer({ secrets, purpose: 'session' }),
    issuer,
    clientId,
    isNamed,
    ttlMs: settings.sessionTtlMs,
    idleTimeoutMs: settings.sessionIdleTimeoutMs,
    now,
  });
  const memory = new SessionMemory({
    provider,
    refreshIntervalMs: settings.sessionRefreshIntervalMs,
    fit: (user) => fitting(user, isNamed),
    now,
    log,
  });
  const sealer = createSealer({ secrets, purpose: 'sign-in' });
  const signIn = new SignIn({ provider, issuer, sessions, memory, sealer, publicUrl, now, log });
  const signOut = new SignOut({ provider, sessions, memory, publicUrl, log });
  return {
    withholdCookies,
    waysIn: [{ path: signInPath('/'), text: 'Sign in' }],
    waysOut: ({ meaning }) => [
      { path: signInPath(readReturnPath(meaning.target), true), text: 'Use another account' },
      { path: pagePath.signOut, text: 'Sign out', posts: true },
    ],
    authenticators: [
      createBearer({ provider, issuer }),
      createBySession({ sessions, memory, signIn, publicUrl }),
    ],
    pages: new Map<string, Page>([
      [pagePath.signIn, { methods: ['GET', 'HEAD'], answer: (exchange) => begin(signIn, exchange) }],
      [pagePath.callback, { methods: ['GET'], answer: (exchange) => signIn.finish(exchange) }],
      [
        pagePath.signOut,
        { methods: ['GET', 'HEAD', 'POST'], answer: (exchange) => signOut.answer(exchange) },
      ],
    ]),
  };
}

function begin(signIn: SignIn, exchange: Exchange): ReturnType<SignIn['send']> {
  const { target } = exchange.meaning;
  const query = new URLSearchParams(target.slice(exchange.meaning.path.length));
  const prompt = query.has('other') ? 'login' : undefined;
  return signIn.send(exchange, readReturnPath(query.get('return')), prompt);
}
