/**
 * `/api/revocations`: the tokens and subjects that are let in no more, as operators see and change them. It knows what a
 * body may say, and neither links nor sockets.
 */
import { ResourceRefusal } from '../../shared/admin/resources.ts';
import type { Resource } from '../../shared/admin/resources.ts';
import { maxNameLength } from '../../shared/auth/grant.ts';

/** A token by its `jti`, or all tokens of a subject. */
export type RevokedName = { readonly jti: string } | { readonly subject: string };

export type RevocationEntry = RevokedName & { readonly untilMs: number | undefined };

/** What is done with them: the gateway's list. */
export interface RevocationList {
  list(): readonly RevocationEntry[];
  /** Undefined: there is no room for it. */
  revoke(name: RevokedName, untilMs: number | undefined): RevocationEntry | undefined;
  /** False where it was not revoked. */
  lift(name: RevokedName): boolean;
}

/** With its zone: whose midnight it would be is not to be guessed. */
const timeWithZone = /^\d{4}-\d{2}-\d{2}T[\d:.]{5,12}(?:Z|[+-]\d{2}:\d{2})$/;

const right =
  'give {"jti": "…"} or {"subject": "…"}, and with it {"until": "2027-01-01T00:00:00Z"} if you will';

export function revocationResources(revocations: RevocationList, nowMs: () => number = Date.now): Resource[] {
  return [
    {
      path: '/api/revocations',
      methods: {
        GET: () => ({ status: 200, json: { revocations: revocations.list().map(shownOf) } }),
        POST: ({ body }) => {
          const { name, untilMs } = readBody(body, nowMs());
          const entry = revocations.revoke(name, untilMs);
          if (entry === undefined) {
            const message = 'There is no room for more revocations: lift some, or give them an end.';
            throw new ResourceRefusal(503, 'revocations_full', message);
          }
          const location = `/api/revocations/${encodeURIComponent(idOf(name))}`;
          return { status: 201, json: shownOf(entry), headers: { Location: location } };
        },
      },
    },
    {
      path: '/api/revocations/{id}',
      methods: {
        DELETE: ({ id }) => {
          const name = readId(id);
          if (name === undefined || !revocations.lift(name))
            throw new ResourceRefusal(404, 'not_revoked', 'Nothing is revoked under this id.');
          return { status: 204 };
        },
      },
    },
  ];
}

function shownOf({ untilMs, ...name }: RevocationEntry): object {
  return {
    id: idOf(name),
    ...name,
    ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }),
  };
}

function idOf(name: RevokedName): string {
  return 'jti' in name ? `jti:${name.jti}` : `subject:${name.subject}`;
}

function readId(id: string): RevokedName | undefined {
  if (id.startsWith('jti:')) return { jti: id.slice('jti:'.length) };
  return id.startsWith('subject:') ? { subject: id.slice('subject:'.length) } : undefined;
}

function readBody(body: unknown, nowMs: number): { name: RevokedName; untilMs: number | undefined } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw wrong('The body is no object');
  const { jti, subject, until, ...rest } = { jti: undefined, subject: undefined, until: undefined, ...body };
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw wrong('The body has a field that is not known');
  if ((jti === undefined) === (subject === undefined))
    throw wrong('The body has to name one of jti and subject');
  const untilMs = until === undefined ? undefined : readUntil(until, nowMs);
  const name = jti === undefined ? { subject: readName(subject) } : { jti: readName(jti) };
  return { name, untilMs };
}

/** What no token can say need not be kept. */
function readName(value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= maxNameLength) return value;
  throw wrong(`The name is not a text of 1 to ${maxNameLength} characters`);
}

function readUntil(value: unknown, nowMs: number): number {
  const isTime = typeof value === 'string' && value.length <= 40 && timeWithZone.test(value);
  const untilMs = isTime ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(untilMs)) throw wrong('until is not a time with its zone');
  if (untilMs <= nowMs) throw wrong('until is over already');
  return untilMs;
}

function wrong(what: string): ResourceRefusal {
  return new ResourceRefusal(400, 'malformed_revocation', `${what}: ${right}.`);
}
