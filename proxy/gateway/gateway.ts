/**
 * The agents' door: has the upgrade judged (token, what it grants, what is on record, whose routes they are), answers in
 * JSON what is not let in, and turns what is let in into a link that routing knows. When what is on record changes, the
 * links are judged anew. It knows no clients and no exchanges but this one.
 */
import { AuthError } from '../../shared/auth/auth-error.ts';
import type { Log } from '../../shared/log/log.ts';
import type { SessionOptions } from '../../shared/mux/session.ts';
import type { MemoryBudget } from '../../shared/mux/memory-budget.ts';
import { agentSubprotocol } from '../../shared/protocol/ask.ts';
import { closeCode, closeReason } from '../../shared/protocol/close-code.ts';
import type { Health } from '../../shared/protocol/control.ts';
import { acceptWebSocket } from '../../shared/transport/websocket/accept.ts';
import type { LinkEnd } from '../../shared/transport/link-handler.ts';
import { writeAnswer } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import type { Registry } from '../routing/registry.ts';
import { AgentLink } from './agent-link.ts';
import type { AgentLinkOwner } from './agent-link.ts';
import { Door, isCounted } from './door.ts';
import type { DoorOptions } from './door.ts';
import type { Claim, Place } from './place.ts';
import { publicUrls } from './public-urls.ts';
import { answerOf, isAgentFault, tooManyFailures } from './refusals.ts';
import type { AgentFault } from './refusals.ts';
import type { Revocations } from './revocations.ts';

export interface GatewayOptions extends DoorOptions {
  readonly revocations: Revocations;
  readonly registry: Pick<Registry<AgentLink>, 'add' | 'remove' | 'checkRoutes' | 'noteChange'>;
  /** Our name: in answers and in welcome. */
  readonly name: string;
  /** Where clients reach this proxy; known once it listens. */
  readonly publicUrl: () => string;
  readonly maxStreamsPerLink: number;
  /** Of all links, and of all else that is held for streams. */
  readonly memory: MemoryBudget;
  /** How long open exchanges may go on when the token of their link has ended. */
  readonly graceMs: number;
  /** Where the ids of a link's streams begin, and from where on a new link is due; without it, as yamux has it. */
  readonly streamIds?: Pick<SessionOptions, 'firstStreamId' | 'idsLowAt'> | undefined;
  /** An agent has introduced itself: its link takes exchanges. */
  readonly onLink: (link: AgentLink) => void;
  /** An agent says that it stops: what never ends by itself on its link should be ended. */
  readonly onStopping: (link: AgentLink) => void;
  /**
   * A token was no good: counts that for the address, and says for how many seconds it is to stay away, 0 for none. Good
   * tokens wait for nothing: none can be guessed. Without it, nothing is counted.
   */
  readonly countFailure?: (address: string) => Promise<number>;
  readonly log: Log;
}

export class Gateway implements AgentLinkOwner {
  readonly #options: GatewayOptions;
  readonly #door: Door;
  readonly #links = new Set<AgentLink>();
  #count = 0;
  #onEmpty: (() => void) | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#door = new Door(options);
    options.revocations.watch(() => this.#closeRevoked());
  }

  get linkCount(): number {
    return this.#links.size;
  }

  /** The handler of exchanges for the agents' path. */
  async handle(exchange: Exchange): Promise<void> {
    let claim: Claim;
    let place: Place;
    try {
      claim = await this.#door.judge(exchange);
      if (exchange.client.isGone) return;
      // All at once from here: what is on record may change at any time.
      place = this.#door.place(claim);
      this.#door.checkRoom(claim, this.#links);
    } catch (error) {
      if (!isAgentFault(error)) throw error;
      const isBadToken = error instanceof AuthError && error.answer.status === 401;
      const { clientAddress } = exchange.record;
      const seconds = isBadToken ? await this.#options.countFailure?.(clientAddress) : undefined;
      this.#refuse(exchange, error, seconds);
      return;
    }
    this.#upgrade(exchange, claim, place);
  }

  /** Every agent hears that it must go elsewhere; its links here serve until they are closed. */
  goAway(): void {
    for (const link of this.#links) link.goAway();
  }

  close(code: number, reason: string): void {
    for (const link of this.#links) link.close(code, reason);
  }

  /** The backend is no longer on record: whoever serves it is to come again, if it may. */
  closeBackend(backendId: string, reason: string): void {
    for (const link of this.#links) {
      if (link.backendId === backendId) link.close(closeCode.policyViolation, reason);
    }
  }

  /** What is on record has changed: whoever would not be let in now goes, and the others serve what is theirs now. */
  review(): void {
    const counts = new Map<string, number>();
    for (const link of this.#links) {
      if (!link.isAlive) continue;
      try {
        const place = this.#door.place(link.claim);
        const count = counts.get(link.backendId) ?? 0;
        if (isCounted(link)) {
          this.#door.checkRoomOnRecord(link.backendId, count);
          counts.set(link.backendId, count + 1);
        }
        if (link.moveTo(place)) this.#options.registry.add(link, place.routes);
      } catch (error) {
        if (!isAgentFault(error)) throw error;
        link.close(closeCode.policyViolation, error.code);
      }
    }
  }

  /** Settles when the last link has ended; `deadline` ends the wait. */
  async whenEmpty(deadline: AbortSignal): Promise<void> {
    if (this.#links.size === 0 || deadline.aborted) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      deadline.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  // From the links.

  onReady(link: AgentLink): void {
    const { registry, log, onLink } = this.#options;
    registry.add(link, link.routes);
    onLink(link);
    const { version, instance } = link.hello ?? {};
    const { id: tunnel, backendId: backend, grant } = link;
    log.info({ tunnel, backend, subject: grant.subject, agentVersion: version, instance }, 'agent connected');
    this.#retireReplaced(link);
  }

  /** An agent's new link has come in place of those that were told to go. */
  #retireReplaced(link: AgentLink): void {
    for (const other of this.#links) {
      const isReplaced =
        other !== link && other.isGoingAway && other.hello?.instance === link.hello?.instance;
      if (isReplaced) other.retire();
    }
  }

  onHealth(link: AgentLink, { serving, stopping, why }: Health): void {
    const { registry, log } = this.#options;
    const fields = { tunnel: link.id, backend: link.backendId, why };
    if (stopping === true) log.info(fields, 'agent stops');
    else if (serving) log.info(fields, 'backend well again');
    else log.warn(fields, 'backend not well');
    registry.noteChange();
  }

  /** It says so on each of its links, and a busy one may hear it late: a request that was refused here is not to go there. */
  onStopping(link: AgentLink): void {
    for (const other of this.#links) {
      const isItsOwn = other.agentInstance === link.agentInstance && other.backendId === link.backendId;
      if (isItsOwn) other.agentStops = true;
    }
    this.#options.onStopping(link);
  }

  async renew(link: AgentLink, token: string): Promise<void> {
    const grant = await this.#door.judgeRenewal(token, link);
    const others = new Set(this.#links);
    others.delete(link);
    this.#door.checkRoom({ ask: link.granted, grant }, others);
    link.takeGrant(grant);
  }

  onRenewed(link: AgentLink, fault: AgentFault | undefined): void {
    const { log } = this.#options;
    const { id: tunnel, backendId: backend, grant } = link;
    const until = new Date(link.grant.expiresAtMs).toISOString();
    if (fault === undefined)
      log.info({ tunnel, backend, subject: grant.subject, until }, 'agent renewed its token');
    else
      log.warn({ tunnel, backend, subject: grant.subject, until, reason: fault.message }, 'renewal refused');
  }

  onExpired(link: AgentLink): void {
    const { log, onStopping } = this.#options;
    const { id: tunnel, backendId: backend, grant } = link;
    log.warn({ tunnel, backend, subject: grant.subject }, 'token expired');
    onStopping(link);
  }

  #closeRevoked(): void {
    for (const link of this.#links) {
      if (this.#options.revocations.covers(link.grant))
        link.close(closeCode.policyViolation, closeReason.tokenRevoked);
    }
  }

  onEnd(link: AgentLink, end: LinkEnd): void {
    this.#links.delete(link);
    if (this.#links.size === 0) this.#onEmpty?.();
    this.#options.registry.remove(link);
    const { code, reason, violation } = end;
    const fields = { tunnel: link.id, backend: link.backendId, code, reason, violation: violation?.code };
    this.#options.log.info(fields, 'agent disconnected');
  }

  #upgrade(exchange: Exchange, claim: Claim, place: Place): void {
    const { granted } = place;
    const { request, client, record } = exchange;
    record.status = 101;
    record.backendId = granted.backend;
    const headers = Object.fromEntries([...request.fields].map(({ lower, value }) => [lower, value]));
    const { socket, held } = client.release();
    const linkSocket = acceptWebSocket(
      { method: request.method, url: request.target, headers },
      agentSubprotocol,
      socket,
      held,
    );
    if (linkSocket === undefined) return;
    this.#count += 1;
    const { name, maxStreamsPerLink, memory, graceMs, publicUrl } = this.#options;
    const link = new AgentLink(linkSocket, {
      id: `${granted.backend}#${String(this.#count)}`,
      claim,
      place,
      graceMs,
      address: record.clientAddress,
      sinceMs: Date.now(),
      node: name,
      urls: publicUrls(publicUrl(), granted),
      session: {
        memory,
        budget: memory.growthOfLink(),
        maxOutboundStreams: maxStreamsPerLink,
        ...this.#options.streamIds,
      },
      owner: this,
    });
    this.#links.add(link);
  }

  /** @param seconds for which it is to stay away, having failed too often */
  #refuse(exchange: Exchange, error: AgentFault, seconds = 0): void {
    const { client, record, request } = exchange;
    if (client.isGone) return;
    const answer = seconds > 0 ? tooManyFailures(seconds) : answerOf(error);
    record.status = answer.status;
    record.code = answer.code;
    const { name, log } = this.#options;
    const fields = { address: client.address, status: answer.status, reason: answer.sentence };
    // What is known by now need not fill the log.
    log[seconds > 0 ? 'debug' : 'warn'](fields, 'agent refused');
    const isHead = request.method === 'HEAD';
    const context = { name, requestId: record.id, accept: 'application/json', isHead, persist: false };
    client.writeFinalHead(writeAnswer(answer, context));
    client.finish(false);
  }
}
