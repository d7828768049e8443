/**
 * One link of an agent, on the proxy's side: hello, then the routes are its backend's, until it ends. To routing
 * and forwarding it is a tunnel.
 */
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { SessionOptions, StreamHandler } from '../../shared/mux/session.ts';
import { resetCode } from '../../shared/mux/codes.ts';
import type { AgentGrant, Granted } from '../../shared/auth/grant.ts';
import { closeCode } from '../../shared/protocol/close-code.ts';
import { ControlViolation } from '../../shared/protocol/control-violation.ts';
import { readControl, writeControl } from '../../shared/protocol/control.ts';
import type { Health, Hello } from '../../shared/protocol/control.ts';
import { Link } from '../../shared/transport/link.ts';
import type { LinkEnd, LinkHandler } from '../../shared/transport/link-handler.ts';
import type { LinkSocket } from '../../shared/transport/websocket/link-socket.ts';
import type { Route } from '../routing/routes.ts';
import { RouteConflict } from '../routing/registry.ts';
import type { Tunnel, TunnelReport } from '../routing/tunnel.ts';
import { isSameClaim, routesOf } from './place.ts';
import type { Claim, Place } from './place.ts';
import { ControlRate } from './control-rate.ts';
import { LinkEnding } from './link-ending.ts';
import { LinkToken } from './link-token.ts';
import type { AgentFault } from './refusals.ts';

export interface AgentLinkOwner {
  /** The agent has introduced itself: its routes are to be served. @throws RouteConflict */
  onReady(link: AgentLink): void;
  /** The agent says that its backend is well again, or is not. */
  onHealth(link: AgentLink, health: Health): void;
  /** The agent stops: what never ends by itself on this link should be ended. */
  onStopping(link: AgentLink): void;
  /**
   * The agent offers a fresh token: where it is good, the link takes its grant.
   *
   * @throws AgentFault
   */
  renew(link: AgentLink, token: string): Promise<void>;
  /** The offer was taken, or why it was not. */
  onRenewed(link: AgentLink, fault: AgentFault | undefined): void;
  /** Its token's time is over: it takes nothing new, and ends soon. */
  onExpired(link: AgentLink): void;
  /** Once, last. */
  onEnd(link: AgentLink, end: LinkEnd): void;
}

export interface AgentLinkOptions {
  readonly id: string;
  readonly claim: Claim;
  readonly place: Place;
  /** How long open exchanges may go on when the token's time is over. */
  readonly graceMs: number;
  /** Where the agent comes from. */
  readonly address: string;
  /** Wall-clock time of its arrival, in milliseconds. */
  readonly sinceMs: number;
  /** This proxy's name, for the agent's log. */
  readonly node: string;
  /** Where clients reach this backend. */
  readonly urls: readonly string[];
  readonly session: Pick<SessionOptions, SessionSetting>;
  readonly owner: AgentLinkOwner;
}

type SessionSetting = 'budget' | 'memory' | 'maxOutboundStreams' | 'firstStreamId' | 'idsLowAt';

/** An agent says hello with its first message; one that does not is no agent. */
const helloTimeoutMs = 10_000;

export class AgentLink implements LinkHandler, Tunnel<MuxStream, StreamHandler> {
  readonly id: string;
  readonly backendId: string;
  /** Its agent has said, on this link or on another one of its, that it stops. */
  agentStops = false;
  readonly #options: AgentLinkOptions;
  readonly #link: Link;
  readonly #helloTimer: NodeJS.Timeout;
  readonly #token: LinkToken;
  readonly #rate = new ControlRate();
  #place: Place;
  /** From retire() on. */
  #retiring: LinkEnding | undefined;
  #hello: Hello | undefined;
  #health: Health | undefined;

  constructor(socket: LinkSocket, options: AgentLinkOptions) {
    this.id = options.id;
    this.backendId = options.claim.ask.backend;
    this.#place = options.place;
    this.#options = options;
    // Agents open no streams (DESIGN §3): one that tries is refused stream by stream.
    const session = { ...options.session, maxInboundStreams: 0 };
    this.#link = new Link(socket, { ...session, role: 'server', handler: this });
    this.#helloTimer = setTimeout(() => {
      this.close(closeCode.protocolError, 'no hello');
    }, helloTimeoutMs);
    const { owner, graceMs, claim } = options;
    this.#token = new LinkToken({
      grant: claim.grant,
      graceMs,
      bearer: this,
      renew: (token) => owner.renew(this, token),
      onRenewed: (fault) => this.#answerRenewal(fault),
      onExpired: () => owner.onExpired(this),
    });
  }

  /** What its token says now. */
  get grant(): AgentGrant {
    return this.#token.grant;
  }

  /** What it serves. */
  get granted(): Granted {
    return this.#place.granted;
  }

  /** What it claims of its own: nothing where that is on record. */
  get routes(): readonly Route[] {
    return this.#place.routes;
  }

  get claim(): Claim {
    return { grant: this.grant, ask: this.#options.claim.ask };
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
    const isEnding = this.#retiring !== undefined || this.#token.isOver;
    return isServed && !isEnding && !this.agentStops && !this.#link.session.peerGoingAway;
  }

  /** The agent was told to dial again. */
  get isGoingAway(): boolean {
    return this.#link.session.goingAway;
  }

  get isHealthy(): boolean {
    return this.#health?.serving !== false;
  }

  load(): number {
    const { streamCount, patientCount } = this.#link.session;
    return streamCount - patientCount;
  }

  get hasUnsaid(): boolean {
    return this.#link.session.patientCount > 0;
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
      routes: routesOf(this.granted),
      load: this.load(),
      isAccepting: this.isAccepting,
      isGoingAway: this.isGoingAway,
      isHealthy: this.isHealthy,
      roundTripMs: session.rttMs,
      heldBytes: session.heldBytes,
      stalledWindows: { toBackend: sending, toClient: receiving },
    };
  }

  /** True where routing has to be told that it claims something else. */
  moveTo(place: Place): boolean {
    const before = this.#place;
    this.#place = place;
    return this.#hello !== undefined && !isSameClaim(place, before);
  }

  /** The agent hears that this link will end, and dials its next one. */
  goAway(): void {
    this.#link.goAway();
  }

  /** The agent's next link is there: no new exchanges here, and the end when the open ones have ended. Idempotent. */
  retire(): void {
    this.#retiring ??= new LinkEnding({
      isIdle: () => this.load() === 0,
      close: () => this.close(closeCode.normal, 'a newer link has taken over'),
    });
  }

  /** A fresh token has been judged, and is the link's from now on. */
  takeGrant(grant: AgentGrant): void {
    this.#token.take(grant);
  }

  close(code: number, reason: string): void {
    this.#link.close(code, reason);
  }

  // From the link.

  onStream(stream: MuxStream): void {
    stream.reset(resetCode.refused);
  }

  onControl(text: string): void {
    if (!this.#rate.take()) {
      this.close(closeCode.policyViolation, 'too_many_messages');
      return;
    }
    try {
      const control = readControl(text);
      if (control?.kind === 'hello' && this.#hello === undefined) this.#welcome(control);
      else if (control?.kind === 'health' && this.#hello !== undefined) this.#hear(control);
      else if (control?.kind === 'renew' && this.#hello !== undefined) this.#token.offer(control.token);
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
    this.#token.stop();
    this.#retiring?.cancel();
    this.#options.owner.onEnd(this, end);
  }

  #answerRenewal(fault: AgentFault | undefined): void {
    const why = fault === undefined ? {} : { why: fault.message };
    this.#link.sendControl(writeControl({ kind: 'renewed', accepted: fault === undefined, ...why }));
    this.#options.owner.onRenewed(this, fault);
  }

  #hear(health: Health): void {
    const wasHealthy = this.isHealthy;
    this.#health = health;
    if (health.stopping === true) this.#options.owner.onStopping(this);
    if (this.isHealthy !== wasHealthy) this.#options.owner.onHealth(this, health);
  }

  /** The backend and routes that count are those the token was checked for, at the upgrade. */
  #welcome(hello: Hello): void {
    clearTimeout(this.#helloTimer);
    if (hello.backend !== this.backendId) {
      this.close(closeCode.policyViolation, 'hello names another backend than the upgrade');
      return;
    }
    this.#hello = hello;
    const { wideStreams } = hello.options;
    if (wideStreams !== undefined) this.#link.session.peerWideStreams = wideStreams;
    const { node, urls, session, owner } = this.#options;
    owner.onReady(this);
    const limits = { maxStreams: session.maxOutboundStreams ?? 0 };
    this.#link.sendControl(writeControl({ kind: 'welcome', node, urls, limits }));
  }
}
