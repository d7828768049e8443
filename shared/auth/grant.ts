/** What a token grants, read from its claims, and whether an agent's wish is within it. Knows no key and no signature. */
import {
  coversHost,
  coversPath,
  everyHost,
  everyPath,
  maxNames,
  readBackendId,
  readHostName,
  readHostPattern,
  readPathPrefix,
} from '../protocol/grammar.ts';
import type { Ask } from '../protocol/ask.ts';
import { AuthError } from './auth-error.ts';

export interface AgentGrant {
  readonly backends: readonly string[];
  /** Host patterns; without them, the default of each id. */
  readonly hosts?: readonly string[];
  /** Path prefixes; without them, every path. */
  readonly paths?: readonly string[];
  /** How many links it may hold for one backend at a time; without it, no bound of its own. */
  readonly links?: number;
  /** Until when it counts here, on the wall clock. */
  readonly expiresAtMs: number;
  readonly subject?: string;
  readonly tokenId?: string;
}

/** Longer subjects and token ids are refused: both end up in logs. */
export const maxNameLength = 256;

/** Some way before the last moment that a date has in ECMAScript (8.64e15): what is later is no time. */
const latestMs = 8e15;
/** More than one proxy takes in all: whoever wants no bound names none. */
export const maxGrantedLinks = 1_024;

/** Claims of a token whose signature was good. Throws `AuthError` `token_claims` naming the claim, never its content. */
export function readGrant(claims: Readonly<Record<string, unknown>>): AgentGrant {
  const { backend, hosts, paths, links, exp, sub, jti } = claims;
  const expiresAtMs = typeof exp === 'number' ? Math.floor(exp * 1000) : Number.NaN;
  if (!(expiresAtMs <= latestMs)) throw wrongClaim('exp', 'a time in seconds');
  return {
    backends: readNames('backend', typeof backend === 'string' ? [backend] : backend, readBackendId),
    ...(hosts === undefined ? {} : { hosts: readNames('hosts', hosts, readHostPattern) }),
    ...(paths === undefined ? {} : { paths: readNames('paths', paths, readPathPrefix) }),
    ...(links === undefined ? {} : { links: readLinks(links) }),
    expiresAtMs,
    ...(sub === undefined ? {} : { subject: readName('sub', sub) }),
    ...(jti === undefined ? {} : { tokenId: readName('jti', jti) }),
  };
}

/** What an agent gets to serve: every host pattern with every path prefix. */
export interface Granted {
  readonly backend: string;
  readonly hosts: readonly string[];
  readonly paths: readonly string[];
}

/**
 * What the agent may serve of what it asks for, which is all of it or an error. Asking for no host, it gets the hosts its
 * token names, or its id's default: `<id>.<baseDomain>` where a base domain is set, else every host. Asking for no path,
 * it gets the paths its token names, or every path. A token that names no hosts grants that default and nothing else.
 *
 * @throws AuthError `backend_not_granted` or `route_not_granted`, naming what was asked for and what is granted
 */
export function checkAsk(grant: AgentGrant, ask: Ask, baseDomain?: string): Granted {
  const { backend } = ask;
  if (!grant.backends.includes(backend)) {
    const message = `the token does not grant the backend ${backend}; it grants ${grant.backends.join(', ')}`;
    throw new AuthError('backend_not_granted', message);
  }
  const grantedHosts = grant.hosts ?? [defaultHost(backend, baseDomain)];
  const grantedPaths = grant.paths ?? [everyPath];
  for (const host of ask.hosts) {
    if (!grantedHosts.some((granted) => coversHost(granted, host)))
      throw notGranted('host', host, grantedHosts);
  }
  for (const path of ask.paths) {
    if (!grantedPaths.some((granted) => coversPath(granted, path)))
      throw notGranted('path', path, grantedPaths);
  }
  return {
    backend,
    hosts: ask.hosts.length === 0 ? grantedHosts : ask.hosts,
    paths: ask.paths.length === 0 ? grantedPaths : ask.paths,
  };
}

function defaultHost(backend: string, baseDomain: string | undefined): string {
  if (baseDomain === undefined) return everyHost;
  const host = readHostName(`${backend}.${baseDomain}`);
  if (host !== undefined) return host;
  const message = `the backend ${backend} makes no host name under ${baseDomain}; its token must name hosts`;
  throw new AuthError('route_not_granted', message);
}

function notGranted(kind: string, asked: string, granted: readonly string[]): AuthError {
  return new AuthError(
    'route_not_granted',
    `the token does not grant the ${kind} ${asked}; it grants ${granted.join(', ')}`,
  );
}

function readNames(
  claim: string,
  value: unknown,
  read: (text: string) => string | undefined,
): readonly string[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxNames) {
    throw wrongClaim(claim, `a list of 1 to ${maxNames} names`);
  }
  return value.map((item: unknown) => {
    const name = typeof item === 'string' ? read(item) : undefined;
    if (name === undefined) throw wrongClaim(claim, 'made of well-formed names');
    return name;
  });
}

function readLinks(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= maxGrantedLinks)
    return value;
  throw wrongClaim('links', `a whole number from 1 to ${maxGrantedLinks}`);
}

function readName(claim: string, value: unknown): string {
  if (typeof value === 'string' && value.length <= maxNameLength) return value;
  throw wrongClaim(claim, `a text of at most ${maxNameLength} characters`);
}

function wrongClaim(claim: string, right: string): AuthError {
  return new AuthError('token_claims', `the token's claim ${claim} is not ${right}`);
}
