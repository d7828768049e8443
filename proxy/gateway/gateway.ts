/**
 * The agents' door: judges the upgrade (token, what it grants, whose routes they are), answers in JSON what is not
 * let in, and turns what is let in into a link that routing knows. It knows no clients and no exchanges but this one.
 */
import { AuthError } from '../../shared/auth/auth-error.ts';
import { checkAsk } from '../../shared/auth/grant.ts';
import type { Granted } from '../../shared/auth/grant.ts';
import { readBearerToken } from '../../shared/auth/verifier.ts';
import type { AgentVerifier } from '../../shared/auth/verifier.ts';
import { TunnelError } from '../../shared/errors/tunnel-error.ts';
import type { Log } from '../../shared/log/log.ts';
import type { SessionOptions } from '../../shared/mux/session.ts';
import { WindowBudget } from '../../shared/mux/window.ts';
import { AskViolation, agentSubprotocol, readAsk } from '../../shared/protocol/ask.ts';
import type { Health } from '../../shared/protocol/control.ts';
import { createAcceptor } from '../../shared/transport/websocket.ts';
import type { LinkEnd } from '../../shared/transport/link.ts';
import { writeAnswer } from '../answer.ts';
import type { Answer } from '../answer.ts';
import type { Exchange } from '../exchange.ts';
import { RouteConflict } from '../routing/registry.ts';
import type { Registry } from '../routing/registry.ts';
import type { Route } from '../routing/routes.ts';
import { AgentLink } from './agent-link.ts';
import type { AgentLinkOwner } from './agent-link.ts';
import { publicUrls } from './public-urls.ts';

export interface GatewayOptions {
  readonly verifier: AgentVerifier;
  readonly registry: Pick<Registry<AgentLink>, 'add' | 'remove' | 'checkRoutes' | 'noteChange'>;
  readonly baseDomain: string | undefined;
  /** Our name: in answers and in welcome. */
  readonly name: string;
  /** Where clients reach this proxy; known once it listens. */
  readonly publicUrl: () => string;
  readonly maxStreamsPerLink: number;
  /** Where the ids of a link's streams begin, and from where on a new link is due; without it, as yamux has it. */
  readonly streamIds?: Pick<SessionOptions, 'firstStreamId' | 'idsLowAt'> | undefined;
  /** An agent has introduced itself: its link takes exchanges. */
  readonly onLink: (link: AgentLink) => void;
  /** An agent says that it stops: what never ends by itself on its link should be ended. */
  readonly onStopping: (link: AgentLink) => void;
  readonly log: Log;
}

/** Each link holds a socket, a session and its buffers: a thousand agents with two each are served, then 503. */
const maxLinks = 2_048;
/** What windows may grow by in all links together, and in one: so that memory is a number (DESIGN §4). */
const growthBytes = { process: 128 * 1024 * 1024, link: 64 * 1024 * 1024 } as const;

type DoorCode = 'not_an_upgrade' | 'subprotocol' | 'too_many_links';

/** The upgrade is not one of an agent, or there is no room for it. */
export class DoorRefusal extends TunnelError<DoorCode, { readonly status: 400 | 426 | 503 }> {}

export class Gateway implements AgentLinkOwner {
  readonly #options: GatewayOptions;
  readonly #accept = createAcceptor(agentSubprotocol);
  readonly #budget = new WindowBudget(growthBytes.process);
  readonly #links = new Set<AgentLink>();
  #count = 0;
  #onEmpty: (() => void) | undefined;

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  get linkCount(): number {
    return this.#links.size;
  }

  /** The handler of exchanges for the agents' path. */
  async handle(exchange: Exchange): Promise<void> {
    let admission: Admission;
    try {
      admission = await this.#judge(exchange);
      if (exchange.client.isGone) return;
      const { granted } = admission;
      this.#options.registry.checkRoutes(granted.backend, routesOf(granted));
    } catch (error) {
      this.#refuse(exchange, error);
      return;
    }
    this.#upgrade(exchange, admission);
  }

  /** Every agent hears that it must go elsewhere; its links here serve until they are closed. */
  goAway(): void {
    for (const link of this.#links) link.goAway();
  }

  close(code: number, reason: string): void {
    for (const link of this.#links) link.close(code, reason);
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
    const { id: tunnel, backendId: backend, subject } = link;
    log.info({ tunnel, backend, subject, agentVersion: version, instance }, 'agent connected');
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

  onStopping(link: AgentLink): void {
    this.#options.onStopping(link);
  }

  onEnd(link: AgentLink, end: LinkEnd): void {
    this.#links.delete(link);
    if (this.#links.size === 0) this.#onEmpty?.();
    this.#options.registry.remove(link);
    const { code, reason, violation } = end;
    const fields = { tunnel: link.id, backend: link.backendId, code, reason, violation: violation?.code };
    this.#options.log.info(fields, 'agent disconnected');
  }

  /** @throws DoorRefusal, AuthError, AskViolation */
  async #judge({ request, meaning }: Exchange): Promise<Admission> {
    const { fields, method, target } = request;
    // Whoever has no token learns nothing else.
    const grant = await this.#options.verifier.verify(readBearerToken(fields.get('authorization')));
    if (method !== 'GET' || meaning.upgrade?.toLowerCase() !== 'websocket') {
      throw refusal('not_an_upgrade', 426, 'agents come here by a WebSocket upgrade');
    }
    const offered = fields.all('sec-websocket-protocol').flatMap((value) => value.split(','));
    if (!offered.some((name) => name.trim() === agentSubprotocol)) {
      throw refusal('subprotocol', 400, `the subprotocol ${agentSubprotocol} was not offered`);
    }
    const queryAt = target.indexOf('?');
    const ask = readAsk(queryAt === -1 ? '' : target.slice(queryAt + 1));
    const granted = checkAsk(grant, ask, this.#options.baseDomain);
    if (this.#links.size >= maxLinks) throw refusal('too_many_links', 503, 'too many agents are connected');
    return { granted, subject: grant.subject };
  }

  #upgrade(exchange: Exchange, { granted, subject }: Admission): void {
    const { request, client, record } = exchange;
    record.status = 101;
    record.backendId = granted.backend;
    const headers = Object.fromEntries([...request.fields].map(({ lower, value }) => [lower, value]));
    const { socket, held } = client.release();
    const linkSocket = this.#accept({ method: request.method, url: request.target, headers }, socket, held);
    if (linkSocket === undefined) return;
    this.#count += 1;
    const { name, maxStreamsPerLink, publicUrl } = this.#options;
    const link = new AgentLink(linkSocket, {
      id: `${granted.backend}#${String(this.#count)}`,
      granted,
      subject,
      routes: routesOf(granted),
      address: record.clientAddress,
      sinceMs: Date.now(),
      node: name,
      urls: publicUrls(publicUrl(), granted),
      session: {
        budget: new WindowBudget(growthBytes.link, this.#budget),
        maxOutboundStreams: maxStreamsPerLink,
        ...this.#options.streamIds,
      },
      owner: this,
    });
    this.#links.add(link);
  }

  #refuse(exchange: Exchange, error: unknown): void {
    const { client, record, request } = exchange;
    const answer = answerOf(error);
    record.status = answer.status;
    record.code = answer.code;
    const { name, log } = this.#options;
    log.warn({ address: client.address, status: answer.status, reason: answer.sentence }, 'agent refused');
    const isHead = request.method === 'HEAD';
    const context = { name, requestId: record.id, accept: 'application/json', isHead, persist: false };
    client.writeFinalHead(writeAnswer(answer, context));
    client.finish(false);
  }
}

interface Admission {
  readonly granted: Granted;
  /** Who the token was made for. */
  readonly subject: string | undefined;
}

function routesOf({ hosts, paths }: Granted): Route[] {
  return hosts.flatMap((host) => paths.map((path) => ({ host, path })));
}

function refusal(code: DoorCode, status: 400 | 426 | 503, message: string): DoorRefusal {
  return new DoorRefusal(message, { code, scope: 'link', initiator: 'remote', answer: { status } });
}

/** What of the peer's fault becomes which answer; anything else is a mistake of ours and crashes. */
function answerOf(error: unknown): Answer {
  const isKnown =
    error instanceof AuthError ||
    error instanceof AskViolation ||
    error instanceof RouteConflict ||
    error instanceof DoorRefusal;
  if (!isKnown) throw error;
  const { status } = error.answer;
  return {
    status,
    code: error.code,
    proxyStatus: 'http_request_denied',
    sentence: error.message,
    retryAfterSeconds: status === 503 ? 15 : undefined,
    challenge: status === 401 ? 'Bearer' : undefined,
    upgrade: status === 426 ? 'websocket' : undefined,
  };
}
