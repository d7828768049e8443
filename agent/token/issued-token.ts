/**
 * A token that an OpenID provider issues to this agent, by client credentials: fetched when it is needed first, and again
 * well before it ends. A provider that is away is asked again, and the token that is there serves until its end.
 */
import type { ClientCredentials, FetchedToken } from '../../shared/auth/client-credentials.ts';
import type { Log } from '../../shared/log/log.ts';
import type { Clock, Timer } from '../../shared/time/clock.ts';
import { isOneWord, TokenUnavailable } from './token-source.ts';
import type { TokenSource } from './token-source.ts';

export interface IssuedTokenOptions {
  readonly clock: Clock;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** @throws TokenUnavailable */
  fetch(signal: AbortSignal): Promise<FetchedToken>;
  readonly random?: () => number;
  /** Milliseconds since 1970: unlike the clock, it goes on while the machine sleeps. */
  readonly wallMs?: () => number;
}

/** The part of a token's life after which the next is fetched: what is left of it is time for a provider to come back. */
const renewAfterPart = 2 / 3;
/** Agents that started together are not to come back together. */
const jitterPart = 0.1;
/** A token this close to its end would end on the way. */
const lastMs = 2_000;
/** However short a token lives, also where the clock here says that it is over by now, the provider is not asked more often. */
const leastPauseMs = 1_000;
const longestPauseMs = 60_000;

export class IssuedToken implements TokenSource {
  readonly #options: IssuedTokenOptions;
  readonly #stopping = new AbortController();
  readonly #wallMs: () => number;
  /** With its end on both clocks. */
  #current: { readonly token: string; readonly endsAtMs: number; readonly endsAtWallMs: number } | undefined;
  #fetching: Promise<string> | undefined;
  #timer: Timer | undefined;
  #onFresh: ((token: string) => void) | undefined;
  #pauseMs = leastPauseMs;
  /** Why there is none, until the provider is asked again. */
  #lastFailure: TokenUnavailable | undefined;

  constructor(options: IssuedTokenOptions) {
    this.#options = options;
    this.#wallMs = options.wallMs ?? Date.now;
  }

  async take(): Promise<string> {
    if (this.#current !== undefined && this.#lifeLeftMs(this.#current) > lastMs) return this.#current.token;
    // However often it is dialled, the provider is asked in its own time.
    if (this.#lastFailure !== undefined) throw this.#lastFailure;
    return this.#fetch('asked for');
  }

  start(onFresh: (token: string) => void): void {
    this.#onFresh = onFresh;
  }

  stop(): void {
    this.#onFresh = undefined;
    this.#stopping.abort();
    this.#timer?.cancel();
  }

  refused(): void {
    this.#current = undefined;
  }

  /** One at a time, whoever asks. @throws TokenUnavailable */
  #fetch(why: 'asked for' | 'due'): Promise<string> {
    this.#fetching ??= this.#fetchAnew(why).finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchAnew(why: 'asked for' | 'due'): Promise<string> {
    const { clock, log, random = Math.random } = this.#options;
    this.#timer?.cancel();
    try {
      const { token, lifeMs } = await this.#options.fetch(this.#stopping.signal);
      const before = this.#current?.token;
      const usedForMs = Math.max(lifeMs, lastMs + leastPauseMs);
      const [endsAtMs, endsAtWallMs] = [clock.nowMs() + usedForMs, this.#wallMs() + usedForMs];
      this.#current = { token, endsAtMs, endsAtWallMs };
      this.#pauseMs = leastPauseMs;
      this.#lastFailure = undefined;
      this.#schedule(Math.max(leastPauseMs, lifeMs * (renewAfterPart - random() * jitterPart)));
      log.info({ forMs: Math.round(lifeMs) }, 'token issued');
      // Whoever asks for the first token has it now, and nobody else waits for it.
      const isNews = why === 'due' || before !== undefined;
      if (isNews && before !== token) this.#onFresh?.(token);
      return token;
    } catch (error) {
      if (!(error instanceof TokenUnavailable)) throw error;
      const reason = error.message;
      if (reason !== this.#lastFailure?.message && !this.#stopping.signal.aborted)
        log.warn({ reason }, 'no fresh token');
      this.#lastFailure = error;
      // Full jitter under a ceiling that doubles, and never at once.
      this.#schedule(leastPauseMs / 2 + random() * this.#pauseMs);
      this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
      throw error;
    }
  }

  /** After a sleep only one of the clocks knows how late it is. */
  #lifeLeftMs({
    endsAtMs,
    endsAtWallMs,
  }: {
    readonly endsAtMs: number;
    readonly endsAtWallMs: number;
  }): number {
    return Math.min(endsAtMs - this.#options.clock.nowMs(), endsAtWallMs - this.#wallMs());
  }

  #schedule(delayMs: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer = this.#options.clock.after(Math.min(delayMs, longestTimerMs), () => {
      this.#fetch('due').catch((error: unknown) => {
        // It has been said, and the next try is due already.
        if (!(error instanceof TokenUnavailable)) throw error;
      });
    });
  }
}

/** A timer measures no more than 24 days; a token that lives longer is fetched more often. */
const longestTimerMs = 2_000_000_000;

/** What `IssuedToken` fetches with. Its library is loaded when it is needed first: most agents never do. */
export function fetchWith(credentials: ClientCredentials): IssuedTokenOptions['fetch'] {
  return async (signal) => {
    const { fetchToken, reasonOf } = await import('../../shared/auth/client-credentials.ts');
    let fetched: FetchedToken;
    try {
      fetched = await fetchToken(credentials, signal);
    } catch (error) {
      throw new TokenUnavailable(`${credentials.issuer}: ${reasonOf(error)}`, error);
    }
    if (isOneWord(fetched.token)) return fetched;
    throw new TokenUnavailable(`${credentials.issuer}: the token that it gave is none that a header holds`);
  };
}
