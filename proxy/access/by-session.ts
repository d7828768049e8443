/**
 * Who a client is by its session, and where a browser without one is sent. A session proves who sits at the browser, not
 * which page made it ask: an upgrade, whose answer any page can read, must come from a page of the same site.
 */
import { preferredKind } from '../accept.ts';
import type { Exchange } from '../exchange.ts';
import { ourCookies } from './cookies.ts';
import { denial } from './denials.ts';
import type { SessionMemory } from './session-memory.ts';
import type { Session, Sessions } from './session.ts';
import type { SignIn } from './sign-in.ts';
import { isFromSite, siteOf } from './site.ts';
import type { Site } from './site.ts';
import type { Authenticator, Check, Identity, Visit } from './visit.ts';

export interface BySessionOptions {
  readonly sessions: Sessions;
  readonly memory: SessionMemory;
  readonly signIn: Pick<SignIn, 'send'>;
  readonly publicUrl: string | undefined;
}

/** Whatever the rule is: cookies of ours are nothing that a backend should see. */
export const withholdCookies: Check = (visit) => {
  const cookies = ourCookies(visit.exchange.request.fields);
  if (cookies.length > 0) visit.withheldCookies = cookies.map(({ name }) => name);
  return undefined;
};

export function createBySession(options: BySessionOptions): Authenticator {
  const { sessions, memory, signIn, publicUrl } = options;

  const judge = (visit: Visit, site: Site, session: Session | undefined): Identity | Promise<Identity> => {
    if (session === undefined || memory.isEnded(session.id)) return undefined;
    const { exchange } = visit;
    if (exchange.meaning.upgrade !== undefined && !isFromSite(exchange, site))
      return { kind: 'refused', answer: denial('origin_refused') };
    const { user, confirmedAt } = memory.look(session);
    const isNews = confirmedAt > session.confirmedAt;
    if (!isNews && !sessions.isStale(session)) return identified(session);
    const renewed = sessions.renew(session, isNews ? { user, atSeconds: confirmedAt } : undefined);
    return sessions.write(renewed, site).then((cookie) => {
      visit.responseFields.push(['Set-Cookie', cookie]);
      return identified(renewed);
    });
  };

  return {
    challenge: undefined,
    identify(visit) {
      const cookies = ourCookies(visit.exchange.request.fields);
      if (cookies.length === 0) return undefined;
      const site = siteOf(visit.exchange, publicUrl);
      const session = sessions.read(cookies, site);
      if (session instanceof Promise) return session.then((opened) => judge(visit, site, opened));
      return judge(visit, site, session);
    },
    invite({ exchange }) {
      return isNavigation(exchange) ? signIn.send(exchange, exchange.meaning.target) : undefined;
    },
  };
}

function identified({ user }: Session): Identity {
  return { kind: 'user', user, byAuthorization: false };
}

/** A person who looks at a page: they can be sent elsewhere and come back. A script that fetches cannot. */
function isNavigation({ request, meaning }: Exchange): boolean {
  const { method, fields } = request;
  if ((method !== 'GET' && method !== 'HEAD') || meaning.upgrade !== undefined) return false;
  const mode = fields.get('sec-fetch-mode');
  return (mode === undefined || mode === 'navigate') && preferredKind(fields.get('accept')) === 'html';
}
