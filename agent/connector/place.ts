/**
 * One place among the agent's links: whatever happens it is filled again, for ever. A link that the proxy sends away
 * serves until its replacement is up: make before break. It knows when to dial, and neither how nor what is carried.
 */
import { closeCode, closeReason } from '../../shared/protocol/close-code.ts';
import type { Clock } from '../../shared/time/clock.ts';
import { linkClose } from '../../shared/transport/link-handler.ts';
import type { LinkEnd } from '../../shared/transport/link-handler.ts';
import { DialError } from '../../shared/transport/websocket/dial-error.ts';
import { TokenUnavailable } from '../token/token-source.ts';
import type { Backoff } from './backoff.ts';
import type { ProxyLink } from './proxy-link.ts';

export interface PlaceOptions {
  readonly backoff: Backoff;
  readonly clock: Clock;
  /** Dials and gives the link, before its welcome. @throws DialError, TokenUnavailable */
  connect(signal: AbortSignal): Promise<ProxyLink>;
  /** For the log: why there is no link, and when the next is tried. */
  onFailure(error: DialError | TokenUnavailable, retryInMs: number): void;
}

/** A link that lived this long was a good one: the next dial begins anew. */
const goodLinkMs = 10_000;
/** Twice the time that a stopping proxy gives its clients unless it is told otherwise. */
const replacedPatienceMs = 60_000;
/** What will be refused again until somebody acts: who may not enter, and whose routes another holds. */
const finalStatuses: ReadonlySet<number> = new Set([401, 403, 409]);
/** The same on a link that was let in. */
const finalCodes: ReadonlySet<number> = new Set([closeCode.protocolError, closeCode.policyViolation]);

export class Place {
  readonly #options: PlaceOptions;
  /** The proxy has sent it away; it serves until another is up. */
  #leaving: ProxyLink | undefined;
  /** Of the dial or the pause that goes on now. */
  #impatience = new AbortController();
  /** The last dial found nobody there. */
  #isUnreachable = false;

  constructor(options: PlaceOptions) {
    this.#options = options;
  }

  /** Settles when `signal` has ended it; links that are up then are somebody else's business. */
  async keep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#impatience = new AbortController();
      // One step after the other is what a place does.
      // oxlint-disable no-await-in-loop
      const delayMs = await this.#fill(signal);
      if (delayMs > 0) await this.#pause(delayMs, this.#impatient(signal));
      // oxlint-enable no-await-in-loop
    }
  }

  /** Whatever it waits for, it waits no more: a pause is over, and a dial that is under way begins anew. */
  dialNow(): void {
    this.#options.backoff.reset();
    this.#impatience.abort();
  }

  #impatient(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#impatience.signal]);
  }

  /** Dials, and stays until another link is due. Gives how long to wait before it is dialled. */
  async #fill(signal: AbortSignal): Promise<number> {
    const impatient = this.#impatient(signal);
    let link: ProxyLink;
    try {
      link = await this.#options.connect(impatient);
    } catch (error) {
      if (!(error instanceof DialError) && !(error instanceof TokenUnavailable)) throw error;
      return impatient.aborted ? 0 : this.#failed(error);
    }
    this.#isUnreachable = false;
    // Nothing was served on it: there is nothing to wait for.
    if (signal.aborted) link.close('the agent stops');
    const isUp = (await link.up) !== undefined;
    const upAtMs = this.#options.clock.nowMs();
    if (isUp) {
      if (this.#leaving !== undefined) void this.#giveUp(this.#leaving);
      this.#leaving = undefined;
    }
    await link.leaving;
    // Who was told to dial at once while this link served, and it served on, has nothing to hurry for any more.
    if (link.end?.code !== linkClose.silent) this.#impatience = new AbortController();
    return this.#delayAfter(link, isUp ? this.#options.clock.nowMs() - upAtMs : 0);
  }

  /**
   * The proxy ends the link that it sent away when it needs it no more: a proxy that stops has clients to serve until
   * then, and nobody else to serve them by. One that never does is not waited for.
   */
  async #giveUp(link: ProxyLink): Promise<void> {
    const timer = this.#options.clock.after(replacedPatienceMs, () => link.leave('replaced'));
    await link.ended;
    timer.cancel();
  }

  /**
   * A proxy that stops may serve for long on the links that it sent away, and cannot be dialled meanwhile. The end of such a
   * link says that it is gone and that the next one is due any moment: not to be missed for all the dials before.
   */
  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    const { backoff, clock } = this.#options;
    const leaving = this.#leaving;
    if (leaving === undefined || !this.#isUnreachable) {
      await pause(clock, delayMs, signal);
      return;
    }
    const gone = new AbortController();
    void leaving.ended.then(() => gone.abort());
    await pause(clock, delayMs, AbortSignal.any([signal, gone.signal]));
    if (!gone.signal.aborted || signal.aborted) return;
    this.#leaving = undefined;
    backoff.reset();
    await pause(clock, backoff.nextDelayMs(), signal);
  }

  #failed(error: DialError | TokenUnavailable): number {
    const { backoff } = this.#options;
    const refusal = error.answer;
    this.#isUnreachable = refusal === undefined && error instanceof DialError;
    let delayMs: number;
    if (refusal !== undefined && finalStatuses.has(refusal.status)) delayMs = backoff.slowDelayMs();
    else if (refusal?.retryAfterMs !== undefined) delayMs = backoff.askedDelayMs(refusal.retryAfterMs);
    else delayMs = backoff.nextDelayMs();
    this.#options.onFailure(error, delayMs);
    return delayMs;
  }

  #delayAfter(link: ProxyLink, livedMs: number): number {
    const { backoff } = this.#options;
    const isGood = livedMs >= goodLinkMs;
    if (isGood) backoff.reset();
    const end: LinkEnd | undefined = link.end;
    if (end !== undefined) {
      // There may be a fresh token: whether there is, a dial tells.
      const isFinal = finalCodes.has(end.code) && end.reason !== closeReason.tokenExpired;
      return isFinal ? backoff.slowDelayMs() : backoff.nextDelayMs();
    }
    this.#leaving = link;
    // A proxy that sends every new link away at once must not be dialled in a loop.
    return isGood ? 0 : backoff.nextDelayMs();
  }
}

/** Settles when the time has passed or `signal` is aborted. */
function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = clock.after(delayMs, settle);
    signal.addEventListener('abort', settle, { once: true });
    function settle(): void {
      timer.cancel();
      signal.removeEventListener('abort', settle);
      resolve();
    }
  });
}
