/**
 * The gate: asked for every request before anything is asked of its backend. It runs its checks one after the other and
 * stops at the first that has an answer for the client. A backend that everybody may use costs no wait. It knows no
 * check by name, no route and no socket.
 */
import { giveAnswer } from '../answer.ts';
import type { Answer, PageLink } from '../answer.ts';
import type { Admission, Exchange } from '../exchange.ts';
import type { AccessRule, BackendRecord } from '../records/record.ts';
import { denial } from './denials.ts';
import { standingOf } from './rule.ts';
import type { Authenticator, Check, Identified, Identity, Verdict, Visit } from './visit.ts';

export interface GateOptions {
  /** Our name in Proxy-Status. */
  readonly name: string;
  readonly recordOf: (backendId: string) => BackendRecord | undefined;
  /** Who may use a backend that no record says it of: CLIENT_ACCESS. */
  readonly defaultAccess: AccessRule;
  /** Before anybody is asked who they are: networks, rates of addresses, ambiguous paths. */
  readonly before: readonly Check[];
  /** The ways to say who one is, in the order in which they are tried. */
  readonly authenticators: readonly Authenticator[];
  /** When it is known who it is, and that they may: rates of users, what the backend is told. */
  readonly after: readonly Check[];
  /** Where a person can sign in who was not sent there, since what they did cannot be done again: a form that was posted. */
  readonly waysIn?: readonly PageLink[] | undefined;
  /** Where somebody with the wrong account can go, where they can: to another account, to the sign-out. */
  readonly waysOut?: ((exchange: Exchange) => readonly PageLink[]) | undefined;
}

export interface Gate {
  /** True sets the exchange's admission to this backend; false has answered the client. */
  admit(exchange: Exchange, backendId: string): boolean | Promise<boolean>;
}

export function createGate(options: GateOptions): Gate {
  const { name, recordOf, defaultAccess, before, authenticators, after } = options;
  const checks: readonly Check[] = [...before, createWho(authenticators), createRule(options), ...after];
  const isOpen =
    defaultAccess.kind === 'public' && before.length + authenticators.length + after.length === 0;
  return {
    admit(exchange, backendId) {
      const record = recordOf(backendId);
      if (isOpen && record?.access === undefined) {
        exchange.admission = openTo(backendId);
        return true;
      }
      const visit = visitOf(exchange, backendId, record, defaultAccess);
      const verdict = runChecks(checks, visit, 0);
      if (verdict instanceof Promise) return verdict.then((settled) => settle(visit, settled, name));
      return settle(visit, verdict, name);
    },
  };
}

function settle(visit: Visit, verdict: Verdict, name: string): boolean {
  const { exchange, backendId } = visit;
  if (verdict === undefined) {
    exchange.admission = admissionOf(visit);
    return true;
  }
  exchange.record.backendId = backendId;
  giveAnswer(exchange, verdict, name);
  return false;
}

function runChecks(checks: readonly Check[], visit: Visit, from: number): Verdict | Promise<Verdict> {
  for (let index = from; index < checks.length; index += 1) {
    const verdict = checks[index]?.(visit);
    if (verdict instanceof Promise)
      return verdict.then((answer) => answer ?? runChecks(checks, visit, index + 1));
    if (verdict !== undefined) return verdict;
  }
  return undefined;
}

/**
 * Finds out who it is, where that matters to anybody. Who is proven in one way is not refused for another that proves
 * nothing: a browser with a session sends its application's token too, and that can be of the same provider.
 */
function createWho(authenticators: readonly Authenticator[]): Check {
  const ask = (visit: Visit, from: number, refused: Verdict): Verdict | Promise<Verdict> => {
    const identity = authenticators[from]?.identify(visit);
    const judge = (known: Identity): Verdict | Promise<Verdict> => {
      if (known?.kind === 'user') return take(visit, known);
      const refusal = refused ?? known?.answer;
      if (from + 1 < authenticators.length) return ask(visit, from + 1, refusal);
      // Where nobody has to say who they are, a credential that is none of ours is the backend's affair.
      return visit.rule.kind === 'public' ? undefined : refusal;
    };
    return identity instanceof Promise ? identity.then(judge) : judge(identity);
  };
  return (visit) => (mattersWho(visit) ? ask(visit, 0, undefined) : undefined);
}

/** Where everybody may pass, the backend may yet be told who it is, and users may have rates of their own. */
function mattersWho({ rule, record }: Visit): boolean {
  if (rule.kind !== 'public' || record?.forwardIdentity === true) return true;
  const limits = record?.limits;
  return limits?.requestsPerSecondPerUser !== undefined || limits?.concurrentRequestsPerUser !== undefined;
}

function take(visit: Visit, { user, byAuthorization }: Identified): undefined {
  visit.user = user;
  // Its backend may not know that anybody was asked, and caches on the way see no Authorization beside a session's cookie: they
  // are to keep none of it for others (RFC 9111 §3.5, §5.2.2.7).
  visit.responseFields.push(['Cache-Control', 'private']);
  if (byAuthorization && visit.record?.keepAuthorization !== true) visit.withholdsAuthorization = true;
}

function createRule({ authenticators, waysIn, waysOut }: GateOptions): Check {
  const challenges = authenticators.flatMap((each) => each.challenge ?? []);
  const challenge = challenges.length === 0 ? 'Bearer' : challenges.join(', ');
  const inviting = authenticators.find((each) => each.invite !== undefined);
  return (visit) => {
    const standing = standingOf(visit.rule, visit.user);
    if (standing === 'allowed') return undefined;
    if (standing === 'not_listed') return notListed(visit, waysOut);
    const invitation = inviting?.invite?.(visit);
    const unknown = denial('sign_in_required', { challenge, links: waysIn });
    if (invitation instanceof Promise) return invitation.then((answer) => answer ?? unknown);
    return invitation ?? unknown;
  };
}

function notListed({ exchange, user }: Visit, waysOut: GateOptions['waysOut']): Answer {
  return denial('access_denied', { account: user?.email ?? user?.subject, links: waysOut?.(exchange) });
}

function visitOf(
  exchange: Exchange,
  backendId: string,
  record: BackendRecord | undefined,
  defaultAccess: AccessRule,
): Visit {
  return {
    exchange,
    backendId,
    record,
    rule: record?.access ?? defaultAccess,
    user: undefined,
    withheldCookies: [],
    withholdsAuthorization: false,
    fields: [],
    responseFields: [],
  };
}

function admissionOf(visit: Visit): Admission {
  const { backendId, user, withheldCookies, withholdsAuthorization, fields, responseFields } = visit;
  return { backendId, user, withheldCookies, withholdsAuthorization, fields, responseFields };
}

const nothing: readonly never[] = [];

/** To everybody, with nothing to say of them. */
function openTo(backendId: string): Admission {
  return {
    backendId,
    user: undefined,
    withheldCookies: nothing,
    withholdsAuthorization: false,
    fields: nothing,
    responseFields: nothing,
  };
}
