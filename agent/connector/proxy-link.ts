/**
 * One link to the proxy, on the agent's side: it introduces itself, hears the welcome, and gives each stream the
 * proxy opens to the backend. `up`, `leaving` and `ended` say where it is in its life.
 */
import type { MemoryBudget } from '../../shared/mux/memory-budget.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { ControlViolation } from '../../shared/protocol/control-violation.ts';
import { closeCode } from '../../shared/protocol/close-code.ts';
import { readControl, writeControl } from '../../shared/protocol/control.ts';
import type { Health, Hello, Renewed, Welcome } from '../../shared/protocol/control.ts';
import { systemClock } from '../../shared/time/clock.ts';
import type { Clock, Timer } from '../../shared/time/clock.ts';
import { Link } from '../../shared/transport/link.ts';
import type { LinkEnd, LinkHandler } from '../../shared/transport/link-handler.ts';
import type { LinkSocket } from '../../shared/transport/websocket/link-socket.ts';

export interface ProxyLinkOptions {
  readonly hello: Hello;
  readonly clock?: Clock | undefined;
  /** Of all links; without it, there is no end of it. */
  readonly memory?: MemoryBudget | undefined;
  serve(stream: MuxStream): void;
  /** The proxy has taken a fresh token, or has not. */
  onRenewed?(renewed: Renewed): void;
}

/** What a link says of itself to whoever watches. */
export interface LinkReport {
  /** The proxy's name for itself. */
  readonly node: string;
  /** When it was welcomed: wall-clock time, in milliseconds. */
  readonly sinceMs: number;
  readonly isAccepting: boolean;
  /** Exchanges in flight. */
  readonly load: number;
  /** Of the last ping; undefined before the first. */
  readonly roundTripMs: number | undefined;
  readonly heldBytes: number;
  /** Streams whose sender waits for a reader, by the way their bytes go. */
  readonly stalledWindows: { readonly toBackend: number; readonly toClient: number };
}

/** A proxy answers hello at once; one that does not is stuck, and another dial may find a better one. */
const welcomeTimeoutMs = 10_000;
/** What a living proxy needs to answer a ping, and a lost one is not waited for: there are requests that could go elsewhere. */
const provenWithinMs = 3_000;
/** How often a link that is leaving looks whether its last exchange has ended. */
const idleCheckMs = 50;
/** How long it waits to be heard: until then an exchange may be under way. One that is lost would hear nothing. */
const heardTimeoutMs = 2_000;

export class ProxyLink implements LinkHandler {
  /** The proxy's welcome, or undefined where the link ended before it. */
  readonly up: Promise<Welcome | undefined>;
  /** A replacement is due: the proxy said GoAway, or the link has ended. */
  readonly leaving: Promise<void>;
  readonly ended: Promise<LinkEnd>;
  readonly #options: ProxyLinkOptions;
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #welcomeTimer: Timer;
  readonly #resolveUp: (welcome: Welcome | undefined) => void;
  readonly #resolveLeaving: () => void;
  readonly #resolveEnded: (end: LinkEnd) => void;
  #isLeaving = false;
  #end: LinkEnd | undefined;
  #welcome: { readonly node: string; readonly sinceMs: number } | undefined;
  #idleTimer: Timer | undefined;
  /** Fresh tokens that the proxy may still have something to say to. */
  #offered = 0;

  constructor(socket: LinkSocket, options: ProxyLinkOptions) {
    const up = Promise.withResolvers<Welcome | undefined>();
    const leaving = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<LinkEnd>();
    this.up = up.promise;
    this.leaving = leaving.promise;
    this.ended = ended.promise;
    this.#resolveUp = up.resolve;
    this.#resolveLeaving = leaving.resolve;
    this.#resolveEnded = ended.resolve;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    // The agent opens no streams; how many the proxy may open is the proxy's setting, and this one's memory.
    const session = { role: 'client', maxInboundStreams: maxStreams, clock: this.#clock } as const;
    const { memory } = options;
    const bounds = memory === undefined ? {} : { memory, budget: memory.growthOfLink() };
    this.#link = new Link(socket, { ...session, ...bounds, handler: this });
    this.#link.sendControl(writeControl(options.hello));
    this.#welcomeTimer = this.#clock.after(welcomeTimeoutMs, () => {
      this.#link.close(closeCode.goingAway, 'no welcome');
    });
  }

  /** How it ended; undefined while it lives. */
  get end(): LinkEnd | undefined {
    return this.#end;
  }

  /** Undefined before the proxy has welcomed it. Looks at every stream. */
  report(): LinkReport | undefined {
    if (this.#welcome === undefined) return undefined;
    const { isOpen, session } = this.#link;
    const { goingAway, peerGoingAway, streamCount, rttMs, heldBytes } = session;
    const { sending, receiving } = session.countStalled();
    return {
      ...this.#welcome,
      isAccepting: isOpen && !goingAway && !peerGoingAway,
      load: streamCount,
      roundTripMs: rttMs,
      heldBytes,
      stalledWindows: { toBackend: receiving, toClient: sending },
    };
  }

  tell(health: Health): void {
    this.#link.sendControl(writeControl(health));
  }

  /** A fresh token for the link to live by. */
  renew(token: string): void {
    this.#offered += 1;
    this.#link.sendControl(writeControl({ kind: 'renew', token }));
  }

  /**
   * Says that the agent stops, and leaves when the proxy has heard it: what is on its way here until then is served. To refuse
   * it would lose an upload, of which the proxy keeps nothing that it could send elsewhere.
   */
  stop(why: string): void {
    this.tell({ kind: 'health', serving: false, why, stopping: true });
    this.#link.ask();
    this.#leaveWhenHeard(why, this.#clock.nowMs() + heardTimeoutMs);
  }

  /** No new exchanges; closes in order when those that are open, or on their way here, have ended. Idempotent. */
  leave(reason: string, heardByMs = this.#clock.nowMs() + heardTimeoutMs): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#link.goAway();
    this.#closeWhenIdle(reason, heardByMs);
  }

  /** It may be lost without having ended: it is asked, and ends soon where no answer comes. */
  prove(): void {
    this.#link.prove(provenWithinMs);
  }

  /** Ends it now; open exchanges are reset. */
  close(reason: string): void {
    this.#link.close(closeCode.normal, reason);
  }

  // From the link.

  onStream(stream: MuxStream): void {
    this.#options.serve(stream);
  }

  onControl(text: string): void {
    try {
      const control = readControl(text);
      if (control?.kind === 'renewed') this.#hearOfOffer(control);
      if (control?.kind !== 'welcome') return;
      this.#welcomeTimer.cancel();
      this.#welcome ??= { node: control.node, sinceMs: Date.now() };
      this.#resolveUp(control);
    } catch (error) {
      if (!(error instanceof ControlViolation)) throw error;
      this.#link.close(error.answer.closeCode, error.code);
    }
  }

  onGoAway(): void {
    this.#resolveLeaving();
  }

  onIdsLow(): void {
    // The agent opens no streams: its ids do not run.
  }

  onEnd(end: LinkEnd): void {
    this.#welcomeTimer.cancel();
    this.#idleTimer?.cancel();
    this.#end = end;
    this.#resolveUp(undefined);
    this.#resolveLeaving();
    this.#resolveEnded(end);
  }

  /** More answers than there were offers are no news: each would be a line of the log. */
  #hearOfOffer(renewed: Renewed): void {
    if (this.#offered === 0) return;
    this.#offered -= 1;
    this.#options.onRenewed?.(renewed);
  }

  #leaveWhenHeard(why: string, heardByMs: number): void {
    if (this.#isLeaving || !this.#link.isOpen) return;
    // Not at once where it is answered: an answer goes before the streams that were opened before it.
    this.#idleTimer = this.#clock.after(idleCheckMs, () => {
      if (this.#link.session.isAnswered || this.#clock.nowMs() >= heardByMs) this.leave(why, heardByMs);
      else this.#leaveWhenHeard(why, heardByMs);
    });
  }

  #closeWhenIdle(reason: string, heardByMs: number): void {
    const { isOpen, isIdle, session } = this.#link;
    if (!isOpen) return;
    if (isIdle || (session.streamCount === 0 && this.#clock.nowMs() >= heardByMs)) {
      this.#link.close(closeCode.normal, reason);
      return;
    }
    this.#idleTimer = this.#clock.after(idleCheckMs, () => this.#closeWhenIdle(reason, heardByMs));
  }
}

/** Exchanges at a time on one link; the proxy's default is the same. Beyond it they are refused and tried elsewhere. */
const maxStreams = 10_000;
