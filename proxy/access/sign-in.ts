/**
 * A person's way to the identity provider and back. What has to come back with them is sealed into a cookie of their
 * browser, so that nobody can be made to finish a sign-in that another browser began, and is good once.
 */
import type { IdentityProvider, SignedIn, Transaction } from '../../shared/auth/identity-provider.ts';
import { ProviderError } from '../../shared/auth/provider-error.ts';
import type { Sealer } from '../../shared/auth/sealed.ts';
import type { Log } from '../../shared/log/log.ts';
import type { Answer } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { clearCookie, cookieName, onlyValue, ourCookies, setCookie } from './cookies.ts';
import type { Cookie } from './cookies.ts';
import { denial } from './denials.ts';
import { pagePath } from './page-paths.ts';
import type { SessionMemory } from './session-memory.ts';
import type { Sessions } from './session.ts';
import { readReturnPath, siteOf } from './site.ts';
import type { Site } from './site.ts';
import { Spent } from './spent.ts';

export interface SignInOptions {
  readonly provider: Pick<IdentityProvider, 'begin' | 'finish'>;
  readonly issuer: string;
  readonly sessions: Sessions;
  readonly memory: SessionMemory;
  /** Of transactions: with a key of their own, so that none passes for a session. */
  readonly sealer: Sealer;
  readonly publicUrl: string | undefined;
  /** The wall clock in ms since 1970. */
  readonly now: () => number;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/** Time to find a second factor. */
const transactionMs = 30 * 60_000;
/** Tabs that wait for a sign-in at the same time; then all of them are forgotten, or the request's head would grow for ever. */
const maxPending = 4;

interface Pending extends Transaction {
  readonly returnPath: string;
}

export class SignIn {
  readonly #options: SignInOptions;
  readonly #spent: Spent;

  constructor(options: SignInOptions) {
    this.#options = options;
    this.#spent = new Spent({ lifeMs: transactionMs, now: options.now });
  }

  /** Sends a browser to the provider. `prompt`: it asks even somebody whom it knows, who may be somebody else this time. */
  async send(exchange: Exchange, returnPath: string, prompt?: 'login'): Promise<Answer> {
    const { provider, publicUrl, sealer } = this.#options;
    const site = siteOf(exchange, publicUrl);
    try {
      const { url, transaction } = await provider.begin(`${site.origin}${pagePath.callback}`, prompt);
      const { state, nonce, verifier } = transaction;
      const times = { h: site.host, t: this.#options.now() };
      const content = { s: state, n: nonce, v: verifier, r: readReturnPath(returnPath), ...times };
      const name = pendingCookie(state, site);
      const cookie = setCookie(name, await sealer.seal(content), transactionMs / 1000, site.isSecure);
      const fields = [['Location', url], ...forgetPending(exchange, site), ['Set-Cookie', cookie]] as const;
      const sentence = 'You are sent to the sign-in.';
      return denial('sign_in_required', { status: 302, sentence, remedy: undefined, fields });
    } catch (error) {
      return this.#failed(error, returnPath);
    }
  }

  /** The provider has sent a person back. */
  async finish(exchange: Exchange): Promise<Answer> {
    const { provider, publicUrl, issuer, sessions, memory, log } = this.#options;
    const site = siteOf(exchange, publicUrl);
    // A Host can be well-formed and yet no host of a URL (RFC 3986 §3.2.2 takes `%00`): no browser came from there.
    const currentUrl = URL.parse(exchange.meaning.target, site.origin);
    if (currentUrl === null) return failed('/');
    const pending = await this.#take(currentUrl, ourCookies(exchange.request.fields), site);
    if (pending === undefined) return failed('/');
    let signedIn: SignedIn;
    try {
      signedIn = await provider.finish(currentUrl, pending);
    } catch (error) {
      return this.#failed(error, pending.returnPath);
    }
    const { profile, refreshToken, idToken } = signedIn;
    const user = { ...profile, issuer };
    const session = sessions.begin(site, user);
    memory.begin(session, refreshToken, idToken);
    const leftOut = profile.groups.length - session.user.groups.length;
    const fields = { session: session.id, subject: profile.subject, host: site.host };
    if (leftOut > 0) log.warn({ ...fields, leftOut }, 'signed in, with more groups than a cookie holds');
    else log.info(fields, 'signed in');
    const cookies = [await sessions.write(session, site), clearPending(pending.state, site)];
    return {
      status: 303,
      code: 'signed_in',
      proxyStatus: undefined,
      sentence: 'You are signed in.',
      fields: [['Location', pending.returnPath], ...cookies.map((cookie) => ['Set-Cookie', cookie] as const)],
    };
  }

  /** What this browser began under the state that comes back, once. */
  async #take(url: URL, cookies: readonly Cookie[], site: Site): Promise<Pending | undefined> {
    const [state = '', ...others] = url.searchParams.getAll('state');
    if (others.length > 0 || !/^[\w-]{16,128}$/.test(state)) return undefined;
    const sealed = onlyValue(cookies, pendingCookie(state, site));
    const content = sealed === undefined ? undefined : await this.#options.sealer.open(sealed);
    if (content === undefined) return undefined;
    const { s, n, v, r, h, t } = content;
    if (s !== state || h !== site.host || typeof n !== 'string' || typeof v !== 'string') return undefined;
    if (typeof t !== 'number' || this.#options.now() >= t + transactionMs) return undefined;
    if (!this.#spent.spend(state)) return undefined;
    return {
      state,
      nonce: n,
      verifier: v,
      returnPath: readReturnPath(typeof r === 'string' ? r : undefined),
    };
  }

  #failed(error: unknown, returnPath: string): Answer {
    if (!(error instanceof ProviderError)) throw error;
    const { code, message } = error;
    this.#options.log.warn({ code, reason: message }, 'sign-in failed');
    return code === 'provider_away' ? denial('sign_in_unavailable') : failed(readReturnPath(returnPath));
  }
}

function failed(returnPath: string): Answer {
  return denial('sign_in_failed', { links: [{ path: signInPath(returnPath), text: 'Sign in again' }] });
}

/** The page that sends a browser to the provider. */
export function signInPath(returnPath: string, isOther = false): string {
  return `${pagePath.signIn}?return=${encodeURIComponent(returnPath)}${isOther ? '&other=1' : ''}`;
}

/** A name for each, so that tabs do not take each other's. */
function pendingCookie(state: string, { isSecure }: Site): string {
  return cookieName(`sign-in-${state.slice(0, 8)}`, isSecure);
}

function clearPending(state: string, site: Site): string {
  return clearCookie(pendingCookie(state, site), site.isSecure);
}

function forgetPending(exchange: Exchange, site: Site): (readonly [name: string, value: string])[] {
  const prefix = cookieName('sign-in-', site.isSecure);
  const pending = ourCookies(exchange.request.fields).filter(({ name }) => name.startsWith(prefix));
  if (pending.length < maxPending) return [];
  return pending
    .filter(({ name }) => /^[\w-]{1,64}$/.test(name))
    .map(({ name }) => ['Set-Cookie', clearCookie(name, site.isSecure)] as const);
}
