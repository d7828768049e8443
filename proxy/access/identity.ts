/**
 * Who the user is, in fields for the backend: only where the backend's record says so, and the same for every request of
 * the user for a while, because signing takes longer than all the rest. What a client sends under these names has been
 * removed (RULES 20).
 */
import { assertionLifeMs } from '../../shared/auth/assertion.ts';
import type { Assertion } from '../../shared/auth/assertion.ts';
import type { User } from '../exchange.ts';
import { ExpiringMap } from './expiring-map.ts';
import type { Check } from './visit.ts';

type IdentityFields = readonly (readonly [name: string, value: string])[];

export interface IdentityOptions {
  readonly sign: (assertion: Assertion) => Promise<string>;
  /** The proxy's public URL; known once it listens. */
  readonly issuer: () => string;
  /** The wall clock in ms since 1970. */
  readonly now?: () => number;
}

/** An assertion is used for half of its life, so that a backend gets none that is about to end. */
const reusedForMs = assertionLifeMs / 2;
/** Of users and backends, with a few KiB each. */
const maxKnown = 5_000;
/** Groups in bytes, as they are written into a field: many servers take heads of 8 KiB and no more, and the assertion repeats them. */
const maxGroupsLength = 3_072;

export function createIdentity({ sign, issuer, now = Date.now }: IdentityOptions): Check {
  const known = new ExpiringMap<Promise<IdentityFields>>(maxKnown);
  const fieldsOf = (user: User, backendId: string): Promise<IdentityFields> => {
    const nowMs = now();
    const key = JSON.stringify([backendId, user.issuer, user.subject, user.email, user.groups]);
    let fields = known.get(key, nowMs);
    if (fields === undefined) {
      fields = describe(user, { sign, issuer: issuer(), audience: backendId, nowMs });
      known.set(key, fields, nowMs + reusedForMs);
    }
    return fields;
  };
  return ({ user, record, backendId, fields }) => {
    if (user === undefined || record?.forwardIdentity !== true) return undefined;
    return fieldsOf(user, backendId).then((told) => {
      fields.push(...told);
      return undefined;
    });
  };
}

interface Telling extends Pick<Assertion, 'issuer' | 'audience' | 'nowMs'> {
  readonly sign: IdentityOptions['sign'];
}

async function describe(user: User, { sign, ...telling }: Telling): Promise<IdentityFields> {
  const { subject, email, issuer: identityProvider } = user;
  const groups = shortened(user.groups);
  const assertion = await sign({ ...telling, subject, identityProvider, email, groups });
  // A subject that looks like an address would be taken for one, and nobody has said that it is this user's.
  const userId = email ?? (subject.includes('@') ? undefined : subject);
  return [
    ...(userId === undefined ? [] : [['X-Inverting-Proxy-User-ID', fieldText(userId)] as const]),
    ['X-Forwarded-User', fieldText(subject)],
    ...(email === undefined ? [] : [['X-Forwarded-Email', fieldText(email)] as const]),
    ...(groups.length === 0 ? [] : [['X-Forwarded-Groups', groups.map(fieldText).join(',')] as const]),
    ['X-Inverting-Proxy-Assertion', assertion],
  ];
}

/** The first of them, as many as there is room for: less is granted rather than more. */
function shortened(groups: readonly string[]): readonly string[] {
  let length = 0;
  const end = groups.findIndex((group) => {
    length += fieldText(group).length + 1;
    return length > maxGroupsLength;
  });
  return end === -1 ? groups : groups.slice(0, end);
}

/**
 * A text as it can stand in a field and in a list: what is printable ASCII stays, a comma, a percent sign and all else becomes
 * the percent-encoding of its UTF-8, and so do blanks at its ends, which would be lost. Two texts are never written alike.
 */
export function fieldText(text: string): string {
  return text.replaceAll(/[^ -~]|[%,]/gu, encode).replaceAll(/^ | $/g, encode);
}

function encode(part: string): string {
  return Array.from(Buffer.from(part), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(
    '',
  );
}
