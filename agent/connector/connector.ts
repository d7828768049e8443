/**
 * Keeps the agent connected: as many links as configured, each dialled again for ever when it is lost, and its
 * replacement dialled before it ends where the proxy says that it will. It knows links and no bytes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../shared/log/log.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import type { Health, Hello } from '../../shared/protocol/control.ts';
import type { LinkSocket } from '../../shared/transport/websocket.ts';
import { DialError } from '../../shared/transport/websocket.ts';
import { Backoff } from './backoff.ts';
import { ProxyLink } from './proxy-link.ts';

export interface ConnectorOptions {
  readonly links: number;
  readonly hello: Hello;
  readonly log: Log;
  dial(signal: AbortSignal): Promise<LinkSocket>;
  readonly serve: (stream: MuxStream) => void;
}

/** A link that lived this long was a good one: the next dial begins anew. */
const goodLinkMs = 10_000;
/** The one in use, and those before it that still carry long exchanges. */
const maxLinksPerPlace = 4;

export class Connector {
  readonly #options: ConnectorOptions;
  readonly #stopping = new AbortController();
  readonly #links = new Set<ProxyLink>();
  #places: Promise<void>[] = [];
  #lastRefusal: string | undefined;
  #health: Health | undefined;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#places = Array.from({ length: this.#options.links }, () => this.#keepPlace());
  }

  /** What the backend's probes have found: said on every link, and on those to come. */
  tellHealth(serving: boolean, why: string | undefined): void {
    this.#health = { kind: 'health', serving, ...(why === undefined ? {} : { why }) };
    for (const link of this.#links) link.tell(this.#health);
  }

  /** No new exchanges; settles when the open ones have ended, or when `signal` ends them. */
  async stop(signal: AbortSignal): Promise<void> {
    this.#stopping.abort();
    const closeAll = (): void => {
      for (const link of this.#links) link.close('the agent stops');
    };
    for (const link of this.#links) this.#leave(link);
    if (signal.aborted) closeAll();
    signal.addEventListener('abort', closeAll, { once: true });
    await Promise.all(this.#places);
    await Promise.all([...this.#links].map((link) => link.ended));
    signal.removeEventListener('abort', closeAll);
  }

  /** One place among the links: whatever happens, it is filled again. */
  async #keepPlace(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff();
    while (!signal.aborted) {
      // One step after the other is what a place does.
      // oxlint-disable no-await-in-loop
      const delayMs = await this.#fillOnce(backoff, signal);
      if (delayMs > 0) await sleep(delayMs, undefined, { signal }).catch(ignoreAbort);
      // oxlint-enable no-await-in-loop
    }
  }

  /** Dials and stays until a replacement is due. Gives how long to wait before the next dial. */
  async #fillOnce(backoff: Backoff, signal: AbortSignal): Promise<number> {
    const { hello, log, serve } = this.#options;
    let socket: LinkSocket;
    try {
      socket = await this.#options.dial(signal);
    } catch (error) {
      if (!(error instanceof DialError)) throw error;
      return signal.aborted ? 0 : this.#report(error, backoff);
    }
    const link = new ProxyLink(socket, { hello, log, serve });
    this.#links.add(link);
    if (this.#health !== undefined) link.tell(this.#health);
    const upAtMs = performance.now();
    const ended = this.#forgetOnceEnded(link);
    if (signal.aborted) this.#leave(link);
    const welcome = await link.up;
    if (welcome !== undefined) {
      this.#lastRefusal = undefined;
      log.info({ node: welcome.node, urls: welcome.urls }, 'link up');
    }
    await link.leaving;
    const wasGood = performance.now() - upAtMs >= goodLinkMs;
    if (wasGood) backoff.reset();
    const hasEnded = !this.#links.has(link);
    if (hasEnded) await ended;
    else this.#endOldest();
    // Make before break: the old link lives on, and serves, until the proxy has the new one and ends it. A proxy that
    // sends every link away at once is not dialled faster than one that is not there.
    return hasEnded || !wasGood ? backoff.nextDelayMs() : 0;
  }

  /** A proxy that ends none of the links it sent away must not make us keep them all. */
  #endOldest(): void {
    const [oldest] = this.#links;
    if (this.#links.size > maxLinksPerPlace * this.#options.links)
      oldest?.leave('too many links are left open');
  }

  #leave(link: ProxyLink): void {
    link.tell({ kind: 'health', serving: false, why: 'the agent stops', stopping: true });
    link.leave('the agent stops');
  }

  async #forgetOnceEnded(link: ProxyLink): Promise<void> {
    const { code, reason, violation } = await link.ended;
    this.#links.delete(link);
    this.#options.log.info({ code, reason, violation: violation?.code }, 'link down');
  }

  #report(error: DialError, backoff: Backoff): number {
    const { log } = this.#options;
    const refusal = error.answer;
    if (refusal === undefined) {
      const delayMs = backoff.nextDelayMs();
      log.warn({ reason: error.message, retryInMs: Math.round(delayMs) }, 'cannot reach the proxy');
      return delayMs;
    }
    const { status, reason, retryAfterMs } = refusal;
    const isFinal = status === 401 || status === 403 || status === 409;
    const delayMs = isFinal ? backoff.slowDelayMs() : (retryAfterMs ?? backoff.nextDelayMs());
    // Said once, and again when it changes: what must be done about it does not change by repeating it.
    const said = `${String(status)} ${reason}`;
    if (said !== this.#lastRefusal) log.error({ status, reason }, 'refused by the proxy');
    this.#lastRefusal = said;
    return delayMs;
  }
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error;
}
