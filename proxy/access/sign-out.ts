/**
 * The sign-out: a page with a button, and what the button does. The session ends here at once, also for copies of its
 * cookie, and at the provider where that has a place for it. Only a page of this site can press the button.
 */
import type { IdentityProvider } from '../../shared/auth/identity-provider.ts';
import { ProviderError } from '../../shared/auth/provider-error.ts';
import type { Log } from '../../shared/log/log.ts';
import type { Answer } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { clearCookie, ourCookies } from './cookies.ts';
import { denial } from './denials.ts';
import { pagePath } from './page-paths.ts';
import type { SessionMemory } from './session-memory.ts';
import { sessionCookie } from './session.ts';
import type { Session, Sessions } from './session.ts';
import { signInPath } from './sign-in.ts';
import { isFromSite, siteOf } from './site.ts';
import type { Site } from './site.ts';

export interface SignOutOptions {
  readonly provider: Pick<IdentityProvider, 'signOutUrl'>;
  readonly sessions: Sessions;
  readonly memory: SessionMemory;
  readonly publicUrl: string | undefined;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

export class SignOut {
  readonly #options: SignOutOptions;

  constructor(options: SignOutOptions) {
    this.#options = options;
  }

  async answer(exchange: Exchange): Promise<Answer> {
    const site = siteOf(exchange, this.#options.publicUrl);
    const session = await this.#sessionOf(exchange, site);
    if (exchange.request.method !== 'POST') return question(session);
    if (!isFromSite(exchange, site)) return denial('origin_refused');
    return await this.#signOut(session, site);
  }

  async #sessionOf(exchange: Exchange, site: Site): Promise<Session | undefined> {
    const { sessions, memory } = this.#options;
    const session = await sessions.read(ourCookies(exchange.request.fields), site);
    return session === undefined || memory.isEnded(session.id) ? undefined : session;
  }

  async #signOut(session: Session | undefined, site: Site): Promise<Answer> {
    const { memory, log } = this.#options;
    const idToken = session === undefined ? undefined : memory.idTokenOf(session.id);
    if (session !== undefined) {
      memory.end(session.id);
      log.info({ session: session.id, subject: session.user.subject, host: site.host }, 'signed out');
    }
    const cleared = ['Set-Cookie', clearCookie(sessionCookie(site.isSecure), site.isSecure)] as const;
    const url = session === undefined ? undefined : await this.#providerUrl(idToken);
    if (url === undefined) return signedOut({ fields: [cleared] });
    return signedOut({ status: 303, fields: [['Location', url], cleared] });
  }

  /** A provider that is away keeps nobody signed in here. */
  async #providerUrl(idToken: string | undefined): Promise<string | undefined> {
    try {
      return await this.#options.provider.signOutUrl(idToken);
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      this.#options.log.warn({ code: error.code, reason: error.message }, 'signed out here alone');
      return undefined;
    }
  }
}

function question(session: Session | undefined): Answer {
  if (session === undefined) return signedOut({});
  const { email, subject } = session.user;
  return {
    status: 200,
    code: 'sign_out',
    proxyStatus: undefined,
    title: 'Sign out',
    sentence: 'You can sign out of this site.',
    account: email ?? subject,
    links: [{ path: pagePath.signOut, text: 'Sign out', posts: true }],
  };
}

function signedOut(more: Partial<Answer>): Answer {
  const links = [{ path: signInPath('/'), text: 'Sign in' }];
  const base = { status: 200, code: 'signed_out', proxyStatus: undefined, title: 'Signed out' };
  return { ...base, sentence: 'You are not signed in here.', links, ...more };
}
