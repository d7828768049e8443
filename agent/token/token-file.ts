/**
 * A token that lies in a file (TOKEN_FILE) and is replaced there before it ends. The file is looked at every few seconds:
 * what is mounted into a container changes without a word to those who watch it.
 */
import { readFile, stat } from 'node:fs/promises';
import type { Log } from '../../shared/log/log.ts';
import { maxTokenLength } from '../../shared/protocol/ask.ts';
import type { Clock, Timer } from '../../shared/time/clock.ts';
import { isOneWord, TokenUnavailable } from './token-source.ts';
import type { TokenSource } from './token-source.ts';

export interface TokenFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn'>;
}

/** One look is one call to the system; a token that lives for seconds is still seen in time. */
const lookEveryMs = 2_000;
/** A token and a line break. */
const maxFileBytes = maxTokenLength + 2;

export class TokenFile implements TokenSource {
  readonly #options: TokenFileOptions;
  /** The last that was in the file. */
  #token: string | undefined;
  /** What the file was when it was last read, as far as the system tells. */
  #stamp: string | undefined;
  #timer: Timer | undefined;
  #onFresh: ((token: string) => void) | undefined;
  #lastProblem: string | undefined;

  constructor(options: TokenFileOptions) {
    this.#options = options;
  }

  /** What is in the file now; what was in it last, where it is just being replaced. */
  async take(): Promise<string> {
    try {
      await this.#read();
    } catch (error) {
      if (!(error instanceof TokenUnavailable)) throw error;
      if (this.#token === undefined) throw error;
      this.#say(error.message);
    }
    if (this.#token === undefined) throw new Error('a token that was read is not there');
    return this.#token;
  }

  start(onFresh: (token: string) => void): void {
    this.#onFresh = onFresh;
    this.#wait();
  }

  stop(): void {
    this.#onFresh = undefined;
    this.#timer?.cancel();
  }

  refused(): void {
    // The file is read again for each dial: there is nothing better to be had.
  }

  #wait(): void {
    this.#timer = this.#options.clock.after(lookEveryMs, () => {
      // A rejection is a mistake of ours, and crashes the process as such.
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    try {
      if ((await stampOf(this.#options.path)) !== this.#stamp) await this.#read();
    } catch (error) {
      if (!(error instanceof TokenUnavailable)) throw error;
      this.#say(error.message);
    }
    if (this.#onFresh !== undefined) this.#wait();
  }

  /** @throws TokenUnavailable */
  async #read(): Promise<void> {
    const { path } = this.#options;
    // First: what is written between the two calls is seen by the next look.
    const stamp = await stampOf(path);
    const token = readToken(await ofFile(() => readFile(path, 'utf8')));
    const isFresh = this.#token !== undefined && token !== this.#token;
    this.#token = token;
    this.#stamp = stamp;
    this.#lastProblem = undefined;
    if (isFresh) this.#onFresh?.(token);
  }

  #say(reason: string): void {
    if (reason !== this.#lastProblem) this.#options.log.warn({ reason }, 'no fresh token');
    this.#lastProblem = reason;
  }
}

/** A mounted secret is a link to a folder that is exchanged: what it leads to has another number then. */
async function stampOf(path: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await ofFile(() => stat(path, { bigint: true }));
  if (size > maxFileBytes) throw new TokenUnavailable('TOKEN_FILE is too long to hold a token alone');
  return [ino, size, mtimeNs, ctimeNs].join(' ');
}

async function ofFile<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    if (code === undefined) throw error;
    throw new TokenUnavailable(`TOKEN_FILE cannot be read (${code})`, error);
  }
}

function readToken(text: string): string {
  const token = text.trim();
  if (token === '') throw new TokenUnavailable('TOKEN_FILE is empty');
  if (!isOneWord(token)) throw new TokenUnavailable('TOKEN_FILE holds more than a token');
  return token;
}
