/**
 * Who is let in: judges a token, the ask that comes with it, and the token that is to follow it on a living link. It
 * knows no sockets, and of links only who holds them.
 */
import { checkAsk } from '../../shared/auth/grant.ts';
import type { AgentGrant, Granted } from '../../shared/auth/grant.ts';
import { readBearerToken } from '../../shared/auth/verifier.ts';
import type { AgentVerifier } from '../../shared/auth/verifier.ts';
import { agentSubprotocol, readAsk } from '../../shared/protocol/ask.ts';
import type { Exchange } from '../exchange.ts';
import { refusal } from './refusals.ts';
import type { Revocations } from './revocations.ts';

export interface DoorOptions {
  readonly verifier: AgentVerifier;
  readonly revocations: Pick<Revocations, 'check'>;
  readonly baseDomain: string | undefined;
}

export interface Admission {
  readonly granted: Granted;
  readonly grant: AgentGrant;
}

/** A link, as far as the door counts it. */
export interface HeldLink {
  readonly backendId: string;
  readonly grant: AgentGrant;
  /** Another is to take its place. */
  readonly isGoingAway: boolean;
}

/** Each link holds a socket, a session and its buffers: a thousand agents with two each are served, then 503. */
const maxLinks = 2_048;

export class Door {
  readonly #options: DoorOptions;

  constructor(options: DoorOptions) {
    this.#options = options;
  }

  /** @throws DoorRefusal, AuthError, AskViolation */
  async judge({ request, meaning }: Exchange): Promise<Admission> {
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
    return { granted: checkAsk(grant, ask, this.#options.baseDomain), grant };
  }

  /** Whether there is room for one more link beside those. @throws DoorRefusal */
  checkRoom({ granted, grant }: Admission, links: ReadonlySet<HeldLink>): void {
    // It may have been revoked while its signature was looked at.
    this.#options.revocations.check(grant);
    if (links.size >= maxLinks) throw refusal('too_many_links', 'too many agents are connected');
    if (grant.links === undefined) return;
    const holder = holderOf(grant);
    let held = 0;
    for (const link of links) {
      if (!link.isGoingAway && link.backendId === granted.backend && holderOf(link.grant) === holder)
        held += 1;
    }
    if (held < grant.links) return;
    const message = `the token allows ${grant.links} links for the backend ${granted.backend}, and they are there`;
    throw refusal('too_many_links_of_token', message);
  }

  /**
   * The grant of a fresh token that is to follow on a link: it has to allow all that the link serves.
   *
   * @throws AuthError
   */
  async judgeRenewal(token: string, served: Granted): Promise<AgentGrant> {
    const grant = await this.#judgeToken(token);
    checkAsk(grant, served, this.#options.baseDomain);
    return grant;
  }

  async #judgeToken(token: string | undefined): Promise<AgentGrant> {
    const { verifier, revocations } = this.#options;
    const grant = await verifier.verify(token);
    revocations.check(grant);
    return grant;
  }
}

/** All tokens of a subject count as one; a token of nobody counts by itself, and those without any name together. */
function holderOf({ subject, tokenId }: AgentGrant): string {
  if (subject !== undefined) return `subject ${subject}`;
  return tokenId === undefined ? '' : `jti ${tokenId}`;
}
