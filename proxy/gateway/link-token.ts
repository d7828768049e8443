/**
 * The token that a link lives by: what it grants, how long, what follows it, and what its end does to the link. It knows
 * no key and no route.
 */
import type { AgentGrant } from '../../shared/auth/grant.ts';
import { closeCode, closeReason } from '../../shared/protocol/close-code.ts';
import { LinkEnding } from './link-ending.ts';
import type { AgentFault } from './refusals.ts';
import { Renewal } from './renewal.ts';
import { TokenLife } from './token-life.ts';

/** The link, as far as its token has to do with it. */
export interface TokenBearer {
  readonly isAlive: boolean;
  /** Exchanges in flight. */
  load(): number;
  goAway(): void;
  close(code: number, reason: string): void;
}

export interface LinkTokenOptions {
  readonly grant: AgentGrant;
  /** How long open exchanges may go on when its time is over. */
  readonly graceMs: number;
  readonly bearer: TokenBearer;
  /** Judges a fresh token and has it taken where it is good. @throws AgentFault */
  renew(token: string): Promise<void>;
  /** It was taken, or why it was not. */
  onRenewed(fault: AgentFault | undefined): void;
  /** Its time is over. */
  onExpired(): void;
}

/** An agent that has a fresh token by now dials with it before this link ends: it is not to hear of the end first. */
const farewellMs = 1_000;

export class LinkToken {
  readonly #options: LinkTokenOptions;
  readonly #life: TokenLife;
  readonly #renewal: Renewal;
  #grant: AgentGrant;
  /** From the end of the token on. */
  #ending: LinkEnding | undefined;

  constructor(options: LinkTokenOptions) {
    this.#options = options;
    this.#grant = options.grant;
    const { expiresAtMs } = options.grant;
    this.#life = new TokenLife({ expiresAtMs, onExpired: () => this.#expire() });
    this.#renewal = new Renewal({
      take: (token) => options.renew(token),
      onTaken: () => this.#tell(undefined),
      onRefused: (fault) => this.#tell(fault),
    });
  }

  /** What it says now. */
  get grant(): AgentGrant {
    return this.#grant;
  }

  /** Its time is over: the link takes nothing new. */
  get isOver(): boolean {
    return this.#ending !== undefined;
  }

  /** The agent has sent a fresh one. */
  offer(token: string): void {
    this.#renewal.offer(token);
  }

  /** A fresh one has been judged: the link lives as long as that, also where the time of its own had just ended. */
  take(grant: AgentGrant): void {
    if (!this.#options.bearer.isAlive) return;
    this.#grant = grant;
    this.#ending?.cancel();
    this.#ending = undefined;
    this.#life.renew(grant.expiresAtMs);
  }

  /** The link has ended. */
  stop(): void {
    this.#life.stop();
    this.#ending?.cancel();
  }

  #expire(): void {
    const { bearer, graceMs } = this.#options;
    if (!bearer.isAlive || this.#ending !== undefined) return;
    this.#ending = new LinkEnding({
      leastMs: Math.min(farewellMs, graceMs),
      mostMs: graceMs,
      isIdle: () => bearer.load() === 0,
      close: () => bearer.close(closeCode.policyViolation, closeReason.tokenExpired),
    });
    bearer.goAway();
    this.#options.onExpired();
  }

  #tell(fault: AgentFault | undefined): void {
    if (this.#options.bearer.isAlive) this.#options.onRenewed(fault);
  }
}
