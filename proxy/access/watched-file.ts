/**
 * What a file says, as of a second ago at most: it is looked at when somebody asks, and read again when it has changed. What
 * is wrong at the start is thrown; what is wrong later is logged, and what was read before goes on. It knows no content.
 */
import { readFileSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Log } from '../../shared/log/log.ts';

/** Whoever takes somebody out of a file need not wait longer than this. */
const lookEveryMs = 1_000;

export interface WatchedFileOptions<T> {
  readonly path: string;
  /** Throws where the text is no good; its message holds nothing secret. */
  readonly read: (text: string) => T;
  readonly log: Log;
  /** Of a clock that never goes back. */
  readonly now?: (() => number) | undefined;
}

export class WatchedFile<T> {
  readonly #options: WatchedFileOptions<T>;
  readonly #now: () => number;
  #value: T;
  /** Of the state that was read last, good or not. */
  #seen: string;
  #lookedAtMs: number;
  #looking: Promise<T> | undefined;

  /** Throws where the file cannot be read or is no good. */
  constructor(options: WatchedFileOptions<T>) {
    const { path, read, now = () => performance.now() } = options;
    this.#options = options;
    this.#now = now;
    // Before the reading: what is written between the two is seen the next time.
    this.#seen = stateOf(statSync(path));
    this.#value = read(readFileSync(path, 'utf8'));
    this.#lookedAtMs = now();
  }

  /** A wait only where it is time to look again. */
  current(): T | Promise<T> {
    if (this.#looking === undefined && this.#now() - this.#lookedAtMs < lookEveryMs) return this.#value;
    this.#looking ??= this.#look();
    return this.#looking;
  }

  async #look(): Promise<T> {
    const { path, read, log } = this.#options;
    let state = 'not there';
    try {
      const stats = await stat(path).catch(codeOf);
      state = typeof stats === 'string' ? stats : stateOf(stats);
      if (state !== this.#seen) {
        this.#value = read(await readFile(path, 'utf8'));
        log.info({ file: path }, 'file read again');
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.error({ file: path, reason }, 'the new file is no good: the old one goes on');
    }
    this.#seen = state;
    this.#lookedAtMs = this.#now();
    this.#looking = undefined;
    return this.#value;
  }
}

/** Files are written over, and replaced; the last is what secrets in Kubernetes do behind a link. */
function stateOf({ dev, ino, size, mtimeMs }: ReturnType<typeof statSync> & object): string {
  return [dev, ino, size, mtimeMs].join(' ');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
