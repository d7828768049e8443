/**
 * One link of an agent, on the proxy's side: hello, then the routes are its backend's, until it ends. To routing
 * and forwarding it is a tunnel.
 */
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { SessionOptions, StreamHandler } from '../../shared/mux/session.ts';
import { resetCode } from '../../shared/mux/codes.ts';
import type { Granted } from '../../shared/auth/grant.ts';
import { closeCode } from '../../shared/protocol/close-code.ts';
import { ControlViolation } from '../../shared/protocol/control-violation.ts';
import { readControl, writeControl } from '../../shared/protocol/control.ts';
import type { Health, Hello } from '../../shared/protocol/control.ts';
import { Link } from '../../shared/transport/link.ts';
import type { LinkEnd, LinkHandler } from '../../shared/transport/link.ts';
import type { LinkSocket } from '../../shared/transport/websocket.ts';
import type { Route } from '../routing/routes.ts';
import { RouteConflict } from '../routing/registry.ts';
import type { Tunnel, TunnelReport } from '../routing/tunnel.ts';

export interface AgentLinkOwner {
  /** The agent has introduced itself: its routes are to be served. @throws RouteConflict */
  onReady(link: AgentLink): void;
  /** The agent says that its backend is well again, or is not. */
  onHealth(link: AgentLink, health: Health): void;
  /** The agent stops: what never ends by itself on this link should be ended. */
  onStopping(link: AgentLink): void;
  /** Once, last. */
  onEnd(link: AgentLink, end: LinkEnd): void;
}

export interface AgentLinkOptions {
  readonly id: string;
  readonly granted: Granted;
  readonly subject: string | undefined;
  readonly routes: readonly Route[];
  /** Where the agent comes from. */
  readonly address: string;
  /** Wall-clock time of its arrival, in milliseconds. */
  readonly sinceMs: number;
  /** This proxy's name, for the agent's log. */
  readonly node: string;
  /** Where clients reach this backend. */
  readonly urls: readonly string[];
  readonly session: Pick<SessionOptions, 'budget' | 'maxOutboundStreams' | 'firstStreamId' | 'idsLowAt'>;
  readonly owner: AgentLinkOwner;
}

/** An agent says hello with its first message; one that does not is no agent. */
const helloTimeoutMs = 10_000;
/** How often a link that was replaced looks whether its last exchange has ended. */
const idleCheckMs = 100;

export class AgentLink implements LinkHandler, Tunnel<MuxStream, StreamHandler> {
  readonly id: string;
  readonly backendId: string;
  readonly routes: readonly Route[];
  readonly #options: AgentLinkOptions;
  readonly #link: Link;
  readonly #helloTimer: NodeJS.Timeout;
  /** Runs from retire() on. */
  #idleTimer: NodeJS.Timeout | undefined;
  #hello: Hello | undefined;
  #health: Health | undefined;

  constructor(socket: LinkSocket, options: AgentLinkOptions) {
    this.id = options.id;
    this.backendId = options.granted.backend;
    this.routes = options.routes;
    this.#options = options;
    // Agents open no streams (DESIGN §3): one that tries is refused stream by stream.
    const session = { ...options.session, maxInboundStreams: 0 };
    this.#link = new Link(socket, { ...session, role: 'server', handler: this });
    this.#helloTimer = setTimeout(() => {
      this.close(closeCode.protocolError, 'no hello');
    }, helloTimeoutMs);
  }

  get subject(): string | undefined {
    return this.#options.subject;
  }

  get hello(): Hello | undefined {
    return this.#hello;
  }

  get agentInstance(): string | undefined {
    return this.#hello?.instance;
  }

  get hostHeader(): string | undefined {
    return this.#hello?.options.hostHeader;
  }

  get isAlive(): boolean {
    return this.#link.isOpen;
  }

  /** Also when we have said GoAway: until the agent's next link is there, this one serves. */
  get isAccepting(): boolean {
    const isServed = this.#hello !== undefined && this.#link.isOpen;
    return isServed && this.#idleTimer === undefined && !this.#link.session.peerGoingAway;
  }

  /** The agent was told to dial again. */
  get isGoingAway(): boolean {
    return this.#link.session.goingAway;
  }

  get isHealthy(): boolean {
    return this.#health?.serving !== false;
  }

  load(): number {
    return this.#link.session.streamCount;
  }

  open(handler: StreamHandler): MuxStream | undefined {
    return this.#link.open(handler);
  }

  report(): TunnelReport {
    const { session } = this.#link;
    const { sending, receiving } = session.countStalled();
    return {
      id: this.id,
      backendId: this.backendId,
      instance: this.#hello?.instance,
      version: this.#hello?.version,
      sinceMs: this.#options.sinceMs,
      address: this.#options.address,
      routes: this.routes,
      load: this.load(),
      isAccepting: this.isAccepting,
      isGoingAway: this.isGoingAway,
      isHealthy: this.isHealthy,
      roundTripMs: session.rttMs,
      heldBytes: session.heldBytes,
      stalledWindows: { toBackend: sending, toClient: receiving },
    };
  }

  /** The agent hears that this link will end, and dials its next one. */
  goAway(): void {
    this.#link.goAway();
  }

  /** The agent's next link is there: no new exchanges here, and the end when the open ones have ended. Idempotent. */
  retire(): void {
    if (this.#idleTimer !== undefined) return;
    const closeIfIdle = (): void => {
      if (this.load() === 0) this.close(closeCode.normal, 'a newer link has taken over');
    };
    this.#idleTimer = setInterval(closeIfIdle, idleCheckMs);
    closeIfIdle();
  }

  close(code: number, reason: string): void {
    this.#link.close(code, reason);
  }

  // From the link.

  onStream(stream: MuxStream): void {
    stream.reset(resetCode.refused);
  }

  onControl(text: string): void {
    try {
      const control = readControl(text);
      if (control?.kind === 'hello' && this.#hello === undefined) this.#welcome(control);
      else if (control?.kind === 'health' && this.#hello !== undefined) this.#hear(control);
    } catch (error) {
      if (error instanceof ControlViolation) this.close(error.answer.closeCode, error.code);
      else if (error instanceof RouteConflict) this.close(closeCode.policyViolation, error.code);
      else throw error;
    }
  }

  onGoAway(): void {
    // isAccepting has said it already: routing sees no tunnel here from now on.
  }

  onIdsLow(): void {
    this.goAway();
  }

  onEnd(end: LinkEnd): void {
    clearTimeout(this.#helloTimer);
    clearInterval(this.#idleTimer);
    this.#options.owner.onEnd(this, end);
  }

  #hear(health: Health): void {
    const wasHealthy = this.isHealthy;
    this.#health = health;
    if (this.isHealthy !== wasHealthy) this.#options.owner.onHealth(this, health);
    if (health.stopping === true) this.#options.owner.onStopping(this);
  }

  /** The backend and routes that count are those the token was checked for, at the upgrade. */
  #welcome(hello: Hello): void {
    clearTimeout(this.#helloTimer);
    if (hello.backend !== this.backendId) {
      this.close(closeCode.policyViolation, 'hello names another backend than the upgrade');
      return;
    }
    this.#hello = hello;
    const { node, urls, session, owner } = this.#options;
    owner.onReady(this);
    const limits = { maxStreams: session.maxOutboundStreams ?? 0 };
    this.#link.sendControl(writeControl({ kind: 'welcome', node, urls, limits }));
  }
}
