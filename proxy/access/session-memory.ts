/**
 * What the proxy itself remembers of sessions, in bounded memory: the refresh token with which the provider is asked after
 * somebody, what it said, and which sessions are over before their time. It stays here because a refresh token is a
 * credential that is mostly valid once: in a cookie, two requests at the same time would spend it twice, and the provider would
 * take that for a theft. A session that is not remembered any more, after a restart, goes on unasked until its end.
 */
import { ProviderError } from '../../shared/auth/provider-error.ts';
import type { IdentityProvider } from '../../shared/auth/identity-provider.ts';
import type { Log } from '../../shared/log/log.ts';
import type { User } from '../exchange.ts';
import type { Session } from './session.ts';

export interface SessionMemoryOptions {
  readonly provider: Pick<IdentityProvider, 'refresh'>;
  /** How old the provider's word may be before it is asked again. */
  readonly refreshIntervalMs: number;
  /** With no more of the groups than a session holds: a provider may name hundreds. */
  readonly fit: (user: User) => User;
  readonly now: () => number;
  readonly log: Pick<Log, 'debug' | 'info' | 'warn'>;
}

interface Remembered {
  refreshToken: string | undefined;
  idToken: string | undefined;
  /** As the provider says now, and since when. */
  user: User;
  confirmedAt: number;
  /** Not asked before; pushed back while it does not answer. */
  nextMs: number;
  isRunning: boolean;
}

/** With two tokens each and who it is, 60 MB at the very most. */
const maxRemembered = 5_000;
const maxTokenLength = 4_096;
const maxEnded = 10_000;
/** Before it is asked again where it did not answer. */
const retryMs = 60_000;

export class SessionMemory {
  readonly #options: SessionMemoryOptions;
  /** By session id, the one that was used last at the end. */
  readonly #sessions = new Map<string, Remembered>();
  /** Ids of sessions that are over, the oldest first. */
  readonly #ended = new Set<string>();

  constructor(options: SessionMemoryOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  begin(
    { id, user, confirmedAt }: Session,
    refreshToken: string | undefined,
    idToken: string | undefined,
  ): void {
    const tokens = { refreshToken: boundedToken(refreshToken), idToken: boundedToken(idToken) };
    const nextMs = this.#options.now() + this.#options.refreshIntervalMs;
    this.#sessions.set(id, { ...tokens, user, confirmedAt, nextMs, isRunning: false });
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > maxRemembered && oldest !== undefined) this.#sessions.delete(oldest);
  }

  /** For good, as far as this run remembers. */
  end(id: string): void {
    this.#sessions.delete(id);
    this.#ended.add(id);
    const [oldest] = this.#ended;
    if (this.#ended.size > maxEnded && oldest !== undefined) this.#ended.delete(oldest);
  }

  isEnded(id: string): boolean {
    return this.#ended.has(id);
  }

  /** The hint with which the provider ends its own session without asking. */
  idTokenOf(id: string): string | undefined {
    return this.#sessions.get(id)?.idToken;
  }

  /** What is known of somebody beyond their cookie. Asks the provider in the background where it is time to. */
  look({ id, user, confirmedAt }: Session): { readonly user: User; readonly confirmedAt: number } {
    const remembered = this.#sessions.get(id);
    if (remembered === undefined) return { user, confirmedAt };
    this.#sessions.delete(id);
    this.#sessions.set(id, remembered);
    const { refreshToken, isRunning, nextMs } = remembered;
    if (refreshToken !== undefined && !isRunning && this.#options.now() >= nextMs)
      void this.#refresh(id, remembered, refreshToken);
    return remembered.confirmedAt > confirmedAt ? remembered : { user, confirmedAt };
  }

  async #refresh(id: string, remembered: Remembered, refreshToken: string): Promise<void> {
    const { provider, refreshIntervalMs, fit, now, log } = this.#options;
    remembered.isRunning = true;
    try {
      const answer = await provider.refresh(refreshToken, remembered.user.subject);
      remembered.refreshToken = boundedToken(answer.refreshToken);
      remembered.idToken = boundedToken(answer.idToken) ?? remembered.idToken;
      if (answer.profile !== undefined) remembered.user = fit({ ...remembered.user, ...answer.profile });
      remembered.confirmedAt = Math.floor(now() / 1000);
      remembered.nextMs = now() + refreshIntervalMs;
      log.debug({ session: id }, 'session confirmed by the identity provider');
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      const { code, message } = error;
      if (error.said === 'invalid_grant') {
        // The account was closed, or signed out everywhere.
        log.info({ session: id, code, reason: message }, 'session ended by the identity provider');
        this.end(id);
      } else {
        remembered.nextMs = now() + Math.min(retryMs, refreshIntervalMs);
        log.warn({ session: id, code, reason: message }, 'session not confirmed');
      }
    } finally {
      remembered.isRunning = false;
    }
  }
}

function boundedToken(token: string | undefined): string | undefined {
  return token !== undefined && token.length <= maxTokenLength ? token : undefined;
}
