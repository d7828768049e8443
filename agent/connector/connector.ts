/**
 * Keeps the agent connected: as many links as configured. It holds what they have in common (who the agent is, how its
 * backend is, what the log has been told) and ends them together. It knows links and no bytes.
 */
import type { Log } from '../../shared/log/log.ts';
import type { MemoryBudget } from '../../shared/mux/memory-budget.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { Health, Hello, Renewed } from '../../shared/protocol/control.ts';
import { systemClock } from '../../shared/time/clock.ts';
import type { Clock } from '../../shared/time/clock.ts';
import type { DialError } from '../../shared/transport/websocket/dial-error.ts';
import type { LinkSocket } from '../../shared/transport/websocket/link-socket.ts';
import { TokenUnavailable } from '../token/token-source.ts';
import type { TokenSource } from '../token/token-source.ts';
import { Backoff } from './backoff.ts';
import { Place } from './place.ts';
import { ProxyLink } from './proxy-link.ts';
import type { LinkReport } from './proxy-link.ts';

export interface ConnectorOptions {
  readonly links: number;
  readonly hello: Hello;
  readonly log: Log;
  /** Asked before each dial. */
  readonly tokens: TokenSource;
  /** @throws DialError */
  dial(token: string, signal: AbortSignal): Promise<LinkSocket>;
  readonly serve: (stream: MuxStream) => void;
  readonly clock?: Clock;
  /** Of all links; without it, there is no end of it. */
  readonly memory?: MemoryBudget;
  /** 0 up to 1: how long to wait before a dial. */
  readonly random?: () => number;
}

export class Connector {
  readonly #options: ConnectorOptions;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #links = new Set<ProxyLink>();
  #places: readonly Place[] = [];
  #kept: readonly Promise<void>[] = [];
  #lastRefusal: string | undefined;
  #health: Health | undefined;
  /** The last token that followed another. */
  #freshToken: string | undefined;
  /** Since the start, for whoever watches. */
  readonly counts = { linksOpened: 0, unreachable: 0, refused: 0 };

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Links that have been dialled and have not ended. */
  get linkCount(): number {
    return this.#links.size;
  }

  /** Of the links that have been welcomed. */
  reports(): LinkReport[] {
    return Array.from(this.#links, (link) => link.report()).filter((report) => report !== undefined);
  }

  start(): void {
    const { signal } = this.#stopping;
    this.#options.tokens.start((token) => this.#renew(token));
    this.#places = Array.from({ length: this.#options.links }, () => this.#createPlace());
    this.#kept = this.#places.map((place) => place.keep(signal));
  }

  /** The network may be another one now: who waits dials at once, and links that may be lost have to prove themselves. */
  dialNow(): void {
    for (const place of this.#places) place.dialNow();
    for (const link of this.#links) link.prove();
  }

  /** What the backend's probes have found: said on every link, and on those to come. */
  tellHealth(serving: boolean, why: string | undefined): void {
    this.#health = { kind: 'health', serving, ...(why === undefined ? {} : { why }) };
    for (const link of this.#links) link.tell(this.#health);
  }

  /** No new exchanges; settles when the open ones have ended, or when `signal` ends them. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#stopping.abort();
    this.#options.tokens.stop();
    const closeAll = (): void => {
      for (const link of this.#links) link.close('the agent stops');
    };
    for (const link of this.#links) link.stop('the agent stops');
    if (signal.aborted) closeAll();
    signal.addEventListener('abort', closeAll, { once: true });
    await Promise.all(this.#kept);
    await Promise.all([...this.#links].map((link) => link.ended));
    signal.removeEventListener('abort', closeAll);
  }

  #createPlace(): Place {
    return new Place({
      backoff: new Backoff(this.#options.random),
      clock: this.#clock,
      connect: (signal) => this.#connect(signal),
      onFailure: (error, retryInMs) => this.#report(error, retryInMs),
    });
  }

  async #connect(signal: AbortSignal): Promise<ProxyLink> {
    const { hello, serve, tokens, memory } = this.#options;
    const token = await tokens.take(signal);
    const socket = await this.#options.dial(token, signal);
    const onRenewed = (renewed: Renewed): void => this.#noteRenewed(renewed);
    const link = new ProxyLink(socket, { hello, serve, onRenewed, memory, clock: this.#clock });
    this.#links.add(link);
    // It came while this link was dialled with the one before.
    if (this.#freshToken !== undefined && this.#freshToken !== token) link.renew(this.#freshToken);
    if (this.#health !== undefined) link.tell(this.#health);
    void this.#follow(link);
    return link;
  }

  async #follow(link: ProxyLink): Promise<void> {
    const { log } = this.#options;
    const welcome = await link.up;
    if (welcome !== undefined) {
      this.#lastRefusal = undefined;
      this.counts.linksOpened += 1;
      log.info({ node: welcome.node, urls: welcome.urls }, 'link up');
    }
    const { code, reason, violation } = await link.ended;
    this.#links.delete(link);
    log.info({ code, reason, violation: violation?.code }, 'link down');
  }

  /** Living links get to live longer, and whoever waits after a refusal dials with the fresh one. */
  #renew(token: string): void {
    this.#freshToken = token;
    for (const link of this.#links) link.renew(token);
    for (const place of this.#places) place.dialNow();
  }

  #noteRenewed({ accepted, why }: Renewed): void {
    const { log } = this.#options;
    if (accepted) log.info({}, 'token renewed');
    else log.warn({ reason: why }, 'renewal refused by the proxy');
  }

  #report(error: DialError | TokenUnavailable, retryInMs: number): void {
    const { log, tokens } = this.#options;
    if (error instanceof TokenUnavailable) {
      log.warn({ reason: error.message, retryInMs: Math.round(retryInMs) }, 'no token to dial with');
      return;
    }
    if (error.answer === undefined) {
      this.counts.unreachable += 1;
      log.warn({ reason: error.message, retryInMs: Math.round(retryInMs) }, 'cannot reach the proxy');
      return;
    }
    this.counts.refused += 1;
    const { status, reason } = error.answer;
    if (status === 401) tokens.refused();
    // Said once, and again when it changes: what must be done about it does not change by repeating it.
    const said = `${String(status)} ${reason}`;
    if (said !== this.#lastRefusal) log.error({ status, reason }, 'refused by the proxy');
    this.#lastRefusal = said;
  }
}
