/**
 * Who is let in: judges a token, the ask that comes with it, what is on record of the backend, and the token that is to
 * follow on a living link. It knows no sockets, and of links only who holds them.
 */
import type { AgentGrant, Granted } from '../../shared/auth/grant.ts';
import { readBearerToken } from '../../shared/auth/verifier.ts';
import type { AgentVerifier } from '../../shared/auth/verifier.ts';
import { agentSubprotocol, readAsk } from '../../shared/protocol/ask.ts';
import type { Exchange } from '../exchange.ts';
import type { BackendRecord } from '../records/record.ts';
import type { Registry } from '../routing/registry.ts';
import { placeOf } from './place.ts';
import type { Claim, Place, PlaceRules } from './place.ts';
import { refusal } from './refusals.ts';
import type { DoorRefusal } from './refusals.ts';
import type { Revocations } from './revocations.ts';

export interface DoorOptions extends PlaceRules {
  readonly verifier: AgentVerifier;
  readonly revocations: Pick<Revocations, 'check'>;
  readonly registry: Pick<Registry<never>, 'checkRoutes'>;
  readonly recordOf: (backendId: string) => BackendRecord | undefined;
}

/** A link, as far as the door counts it. */
export interface HeldLink {
  readonly backendId: string;
  readonly grant: AgentGrant;
  /** Another is to take its place. */
  readonly isGoingAway: boolean;
  /** It may be on its way out. */
  readonly isAlive: boolean;
}

/** Each link holds a socket, a session and its buffers: a thousand agents with two each are served, then 503. */
const maxLinks = 2_048;

export class Door {
  readonly #options: DoorOptions;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** Who asks for what; not yet whether it may be. @throws DoorRefusal, AuthError, AskViolation */
  async judge({ request, meaning }: Exchange): Promise<Claim> {
    const { fields, method, target } = request;
    // Whoever has no token learns nothing else.
    const grant = await this.#judgeToken(readBearerToken(fields.get('authorization')));
    if (method !== 'GET' || meaning.upgrade?.toLowerCase() !== 'websocket') {
      throw refusal('not_an_upgrade', 'agents come here by a WebSocket upgrade');
    }
    const offered = fields.all('sec-websocket-protocol').flatMap((value) => value.split(','));
    if (!offered.some((name) => name.trim() === agentSubprotocol)) {
      throw refusal('subprotocol', `the subprotocol ${agentSubprotocol} was not offered`);
    }
    const queryAt = target.indexOf('?');
    const ask = readAsk(queryAt === -1 ? '' : target.slice(queryAt + 1));
    return { grant, ask };
  }

  /** What it may serve, as things stand now. @throws DoorRefusal, AuthError, RouteConflict */
  place(claim: Claim): Place {
    const { registry, recordOf } = this.#options;
    const { backend } = claim.ask;
    const place = placeOf(claim, recordOf(backend), this.#options);
    registry.checkRoutes(backend, place.routes);
    return place;
  }

  /** Whether there is room for one more link beside those. @throws DoorRefusal */
  checkRoom({ ask, grant }: Claim, links: ReadonlySet<HeldLink>): void {
    // It may have been revoked while its signature was looked at.
    this.#options.revocations.check(grant);
    if (links.size >= maxLinks) throw refusal('too_many_links', 'too many agents are connected');
    const { backend } = ask;
    const ofBackend = [...links].filter(({ isAlive, backendId }) => isAlive && backendId === backend);
    const maxOnRecord = this.#options.recordOf(backend)?.limits.maxLinks;
    if (maxOnRecord !== undefined && !hasRoom(ofBackend, maxOnRecord))
      throw fullOnRecord(backend, maxOnRecord);
    if (grant.links === undefined) return;
    const holder = holderOf(grant);
    const ofHolder = ofBackend.filter((link) => holderOf(link.grant) === holder);
    if (hasRoom(ofHolder, grant.links)) return;
    const message = `the token allows ${grant.links} links for the backend ${backend}, and they are there`;
    throw refusal('too_many_links_of_token', message);
  }

  /** Whether one more beside so many may be there. @throws DoorRefusal */
  checkRoomOnRecord(backendId: string, held: number): void {
    const max = this.#options.recordOf(backendId)?.limits.maxLinks;
    if (max !== undefined && held >= max) throw fullOnRecord(backendId, max);
  }

  /**
   * The grant of a fresh token that is to follow on a link: it has to allow all that the link serves.
   *
   * @throws AuthError, DoorRefusal
   */
  async judgeRenewal(token: string, link: { readonly granted: Granted }): Promise<AgentGrant> {
    const grant = await this.#judgeToken(token);
    // As things stand now: what it serves may have changed meanwhile.
    const served = link.granted;
    placeOf({ grant, ask: served }, this.#options.recordOf(served.backend), this.#options);
    return grant;
  }

  async #judgeToken(token: string | undefined): Promise<AgentGrant> {
    const { verifier, revocations } = this.#options;
    const grant = await verifier.verify(token);
    revocations.check(grant);
    return grant;
  }
}

/** One that is to go is replaced by the one that comes. */
export function isCounted({ isGoingAway, isAlive }: HeldLink): boolean {
  return isAlive && !isGoingAway;
}

/**
 * Those that are to go leave room for one each that takes their place. Who has a link renewed that is to go, and has it
 * go never, gets no more by that than as many again.
 */
function hasRoom(links: readonly HeldLink[], max: number): boolean {
  return links.filter(isCounted).length < max && links.length < 2 * max;
}

function fullOnRecord(backendId: string, max: number): DoorRefusal {
  const message = `the record of the backend ${backendId} allows ${max} links, and they are there`;
  return refusal('too_many_links_on_record', message);
}

/** All tokens of a subject count as one; a token of nobody counts by itself, and those without any name together. */
function holderOf({ subject, tokenId }: AgentGrant): string {
  if (subject !== undefined) return `subject ${subject}`;
  return tokenId === undefined ? '' : `jti ${tokenId}`;
}
