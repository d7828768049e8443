/**
 * The keys of a server (AGENT_JWKS_URL): fetched, kept, and fetched anew when they are old or a token names one that is
 * not among them. A server that is away takes nothing away: the keys it gave last are used until it gives others. What
 * strangers send causes at most one fetch a cooldown, and what the server sends is bounded in size and time.
 */
import { AuthError } from './auth-error.ts';
import { keysNamed, keysNoun } from './key-source.ts';
import type { KeySource } from './key-source.ts';
import { KeyError } from './key-error.ts';
import { maxKeys, readJwks } from './public-keys.ts';
import type { PublicKey } from './public-keys.ts';

export interface RemoteKeysOptions {
  readonly url: string;
  /** A sentence for the log: the keys could not be had, or one of them is of no use. Not twice the same in a row. */
  onProblem(reason: string): void;
  /** A key that is taken back at the server is taken here for no longer, as long as the server is there. */
  readonly maxAgeMs?: number;
  /** The least time between two fetches that tokens with unknown keys cause. */
  readonly cooldownMs?: number;
  /** The same while the last fetch has failed. */
  readonly retryMs?: number;
  readonly nowMs?: () => number;
}

/** A server that has not answered by then is away. */
const timeoutMs = 5_000;
/** Hundreds of keys, with certificates. */
const maxBytes = 256 * 1024;

export class RemoteKeys implements KeySource {
  readonly noun = keysNoun;
  readonly #options: Required<RemoteKeysOptions>;
  #keys: readonly PublicKey[] | undefined;
  /** When the keys that are here were fetched, and when fetching was last tried. */
  #fetchedMs = -Infinity;
  #triedMs = -Infinity;
  #running: Promise<void> | undefined;
  #lastProblem: string | undefined;

  constructor(options: RemoteKeysOptions) {
    const defaults = {
      maxAgeMs: 600_000,
      cooldownMs: 30_000,
      retryMs: 5_000,
      nowMs: () => performance.now(),
    };
    this.#options = { ...defaults, ...options };
  }

  async find(kid: string | undefined): Promise<readonly PublicKey[]> {
    if (this.#keys === undefined) await this.refresh();
    else if (this.#options.nowMs() - this.#fetchedMs > this.#options.maxAgeMs) void this.refresh();
    if (this.#keys === undefined)
      throw new AuthError(
        'keys_unavailable',
        "the keys that agents' tokens are signed with cannot be had now",
      );
    const found = keysNamed(this.#keys, kid);
    if (found.length > 0) return found;
    await this.refresh();
    return keysNamed(this.#keys, kid);
  }

  /** Fetches the keys, unless that was tried a moment ago. One fetch at a time; never rejects. */
  async refresh(): Promise<void> {
    if (this.#running !== undefined) return this.#running;
    const { nowMs, cooldownMs, retryMs } = this.#options;
    const pauseMs = this.#fetchedMs === this.#triedMs ? cooldownMs : retryMs;
    if (nowMs() - this.#triedMs < pauseMs) return undefined;
    this.#running = this.#refresh().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #refresh(): Promise<void> {
    this.#triedMs = this.#options.nowMs();
    try {
      const unusable: string[] = [];
      const keys = readJwks(await fetchJson(this.#options.url), (error, place) => {
        unusable.push(`${place}, which ${error.message}`);
      });
      if (keys.length === 0) throw new KeyError(['holds no key of use', ...unusable.slice(0, 3)].join('; '));
      this.#keys = keys.slice(0, maxKeys);
      this.#fetchedMs = this.#triedMs;
      this.#lastProblem = undefined;
    } catch (error) {
      this.#say(reasonOf(error));
    }
  }

  #say(reason: string): void {
    if (reason !== this.#lastProblem) this.#options.onProblem(reason);
    this.#lastProblem = reason;
  }
}

async function fetchJson(url: string): Promise<unknown> {
  // A redirect would let the server choose from where keys are taken.
  const response = await fetch(url, {
    headers: { accept: 'application/jwk-set+json, application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    throw new KeyError(`was answered with ${response.status}`);
  }
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body) {
    bytes += piece.byteLength;
    if (bytes > maxBytes) throw new KeyError(`holds more than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch {
    throw new KeyError('is no JSON');
  }
}

/** fetch says "fetch failed", and why in its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  if (error instanceof KeyError) return error.message;
  if (error.name === 'TimeoutError') return 'did not answer in time';
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  return `cannot be reached (${code ?? (cause instanceof Error ? cause.message : error.message)})`;
}
