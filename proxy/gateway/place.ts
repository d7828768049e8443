/**
 * What an agent may serve: what its token grants of what it asks for, and of that what is on record of the backend. The
 * same answer is given at the door and, when the record changes, to the links that live. It knows no link and no socket.
 */
import { checkAsk } from '../../shared/auth/grant.ts';
import type { AgentGrant, Granted } from '../../shared/auth/grant.ts';
import type { Ask } from '../../shared/protocol/ask.ts';
import { coversHost, coversPath, everyPath } from '../../shared/protocol/grammar.ts';
import type { BackendRecord } from '../records/record.ts';
import type { Route } from '../routing/routes.ts';
import { refusal } from './refusals.ts';
import type { DoorRefusal } from './refusals.ts';

/** Who asks for what. */
export interface Claim {
  readonly grant: AgentGrant;
  readonly ask: Ask;
}

export interface PlaceRules {
  readonly baseDomain: string | undefined;
  /** Backends that are not on record are not served. */
  readonly requiresRecord: boolean;
}

export interface Place {
  /** Where clients reach what it serves, whether it claims that or it is on record. */
  readonly granted: Granted;
  /** What it claims of its own; none where the routes are on record. */
  readonly routes: readonly Route[];
}

export function isSameClaim(one: Place, other: Place): boolean {
  if (one.routes.length !== other.routes.length) return false;
  return one.routes.every(({ host, path }, at) => {
    const beside = other.routes[at];
    return beside?.host === host && beside.path === path;
  });
}

/** @throws AuthError, DoorRefusal */
export function placeOf(claim: Claim, record: BackendRecord | undefined, rules: PlaceRules): Place {
  const { grant, ask } = claim;
  if (record === undefined) {
    const granted = checkAsk(grant, ask, rules.baseDomain);
    if (rules.requiresRecord) {
      throw refusal('not_on_record', `the backend ${ask.backend} is not on record here`);
    }
    return { granted, routes: routesOf(granted) };
  }
  const place = record.hosts.length > 0 ? onRecord(claim, record) : claimed(claim, record, rules);
  const { agentSubjects } = record;
  if (agentSubjects !== undefined && !agentSubjects.includes(grant.subject ?? '')) {
    const who = grant.subject === undefined ? 'a token without a subject' : `the subject ${grant.subject}`;
    const message = `the record of the backend ${ask.backend} does not let ${who} serve it`;
    throw refusal('subject_not_on_record', message);
  }
  return place;
}

/**
 * The record says where the backend is, and whoever serves it serves all of it: that is what the token has to grant,
 * whatever part of it is asked for. A token that names no hosts grants its id's default, and that is the record's.
 */
function onRecord({ grant, ask }: Claim, record: BackendRecord): Place {
  const { hosts } = record;
  const paths = record.paths.length === 0 ? [everyPath] : record.paths;
  const whole = { backend: ask.backend, hosts, paths };
  const granted = checkAsk(grant.hosts === undefined ? { ...grant, hosts } : grant, whole);
  for (const host of ask.hosts) {
    if (!hosts.some((own) => coversHost(own, host))) throw notOnRecord('host', host, hosts);
  }
  checkPaths(ask.paths, paths);
  return { granted, routes: [] };
}

/** The record names no hosts: they are those of the token, and under them the paths of the record where it names some. */
function claimed({ grant, ask }: Claim, { paths }: BackendRecord, { baseDomain }: PlaceRules): Place {
  const asked = ask.paths.length === 0 ? { ...ask, paths } : ask;
  const granted = checkAsk(grant, asked, baseDomain);
  if (paths.length > 0) checkPaths(granted.paths, paths);
  return { granted, routes: routesOf(granted) };
}

function checkPaths(asked: readonly string[], own: readonly string[]): void {
  for (const path of asked) {
    if (!own.some((prefix) => coversPath(prefix, path))) throw notOnRecord('path', path, own);
  }
}

function notOnRecord(kind: string, asked: string, own: readonly string[]): DoorRefusal {
  const message = `the ${kind} ${asked} is not on record for the backend: that has ${own.join(', ')}`;
  return refusal('route_not_on_record', message);
}

export function routesOf({ hosts, paths }: Granted): Route[] {
  return hosts.flatMap((host) => paths.map((path) => ({ host, path })));
}
