/**
 * One request at the gate of one backend: what is on record of the backend, what the checks have found out so far, and
 * the shapes of those who look at it. It knows no check.
 */
import type { Answer } from '../answer.ts';
import type { Exchange, User } from '../exchange.ts';
import type { AccessRule, BackendRecord } from '../records/record.ts';

/** Filled in by the checks on the way; the gate makes an admission of it. */
export interface Visit {
  readonly exchange: Exchange;
  readonly backendId: string;
  /** What is on record of the backend, where anything is. */
  readonly record: BackendRecord | undefined;
  /** Who may use it: as on record, else CLIENT_ACCESS. */
  readonly rule: AccessRule;
  user: User | undefined;
  /** Names of cookies that do not go on. */
  withheldCookies: readonly string[];
  withholdsAuthorization: boolean;
  /** For the head that goes to the backend. */
  readonly fields: (readonly [name: string, value: string])[];
  /** For the head of the answer. */
  readonly responseFields: (readonly [name: string, value: string])[];
}

/** Undefined: nothing is wrong as far as this check can see. An answer: it goes to the client, and nothing to the backend. */
export type Verdict = Answer | undefined;

/** One thing that the gate looks at. It may fill in the visit; it never rejects for a peer's fault. */
export type Check = (visit: Visit) => Verdict | Promise<Verdict>;

/** Who a client says it is, and proves. */
export interface Identified {
  readonly kind: 'user';
  readonly user: User;
  /** It was the Authorization field that said so. */
  readonly byAuthorization: boolean;
}

/** It says who it is and does not prove it, or may not say so here. */
export interface Unproven {
  readonly kind: 'refused';
  readonly answer: Answer;
}

/** Undefined: it says nothing of this kind, and the next is asked. */
export type Identity = Identified | Unproven | undefined;

/** One way to say who one is: a session, a bearer token, a password. */
export interface Authenticator {
  /** What a 401 offers of it (RFC 9110 §11.6.1); undefined where there is no field for it. */
  readonly challenge: string | undefined;
  identify(visit: Visit): Identity | Promise<Identity>;
  /** What somebody unknown is answered, where this way has more to say than 401: a redirect to the sign-in. */
  invite?(visit: Visit): Verdict | Promise<Verdict>;
}
