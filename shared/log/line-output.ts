/**
 * Writes lines to a file descriptor without ever holding up the event loop: lines wait in memory, bounded, and go out
 * together. A slow reader costs lines, which are counted; a reader that is gone costs nothing. Knows no log format.
 */
import { write, writeSync } from 'node:fs';

export interface LineOutputOptions {
  readonly fd: number;
  /** UTF-16 units that may wait; beyond it lines are dropped, so that memory stays bounded. */
  readonly maxWaiting?: number;
  /** Told how many lines were dropped, once there is room again. */
  readonly onDropped?: (lines: number) => void;
}

const defaultMaxWaiting = 4 * 1024 * 1024;
/** Nobody who reads a log notices it; what a killed process can lose is as much. */
const gatherMs = 20;
/** UTF-16 units: a write that is worth the walk. */
const gatheredEnough = 32 * 1024;
/** A pipe that another process made non-blocking says EAGAIN when it is full; it is asked again after this. */
const retryMs = 10;
/** How often it is asked when the process is exiting: a second in all. */
const maxExitRetries = 100;

export class LineOutput {
  readonly #fd: number;
  readonly #maxWaiting: number;
  readonly #onDropped: (lines: number) => void;
  #lines: string[] = [];
  #waiting = 0;
  #dropped = 0;
  /** A write is on its way, or about to be: at most one at a time, so that lines keep their order. */
  #isBusy = false;
  #isBroken = false;
  #idle = Promise.withResolvers<void>();
  /** While lines wait that are in no hurry. */
  #gathering: NodeJS.Timeout | undefined;
  readonly #onGathered = (): void => this.#writeGathered();

  constructor({ fd, maxWaiting = defaultMaxWaiting, onDropped = () => undefined }: LineOutputOptions) {
    this.#fd = fd;
    this.#maxWaiting = maxWaiting;
    this.#onDropped = onDropped;
  }

  /** `line` ends with its line break. All lines of this turn go out in one write, with those that were gathered. */
  write(line: string): void {
    if (this.#hold(line)) this.#writeSoon();
  }

  /** The same for lines that come by the thousand: each write is a walk to another thread and back, so they go together. */
  gather(line: string): void {
    if (!this.#hold(line) || this.#isBusy) return;
    if (this.#waiting >= gatheredEnough) this.#writeSoon();
    else this.#gathering ??= setTimeout(this.#onGathered, gatherMs);
  }

  #hold(line: string): boolean {
    if (this.#isBroken) return false;
    if (this.#waiting + line.length > this.#maxWaiting) {
      this.#dropped += 1;
      return false;
    }
    this.#lines.push(line);
    this.#waiting += line.length;
    return true;
  }

  #writeSoon(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#idle = Promise.withResolvers();
    setImmediate(() => this.#writeWaiting());
  }

  #writeGathered(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#waiting > 0) this.#writeSoon();
  }

  /** Settles when every line so far is written, or can never be. */
  flush(): Promise<void> {
    this.#writeGathered();
    return this.#isBusy ? this.#idle.promise : Promise.resolve();
  }

  /** For the exit of the process, when no callback runs any more; waits at most a second for a full pipe. */
  flushSync(): void {
    let rest = Buffer.from(this.#take());
    for (let retries = 0; rest.length > 0 && !this.#isBroken && retries < maxExitRetries;) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        if (!isFull(error)) return;
        retries += 1;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
      }
    }
  }

  #writeWaiting(): void {
    const dropped = this.#dropped;
    const text = this.#take();
    if (dropped > 0) {
      this.#dropped = 0;
      this.#onDropped(dropped);
    }
    if (text !== '') {
      this.#writeBytes(Buffer.from(text));
      return;
    }
    // The lines waiting were written by flushSync, or all were dropped: nothing is left to say.
    if (this.#lines.length > 0) setImmediate(() => this.#writeWaiting());
    else this.#rest();
  }

  #writeBytes(bytes: Buffer): void {
    write(this.#fd, bytes, (error, written) => {
      if (error !== null && isFull(error)) setTimeout(() => this.#writeBytes(bytes), retryMs);
      else if (error !== null) this.#break();
      else if (written < bytes.length) this.#writeBytes(bytes.subarray(written));
      else if (this.#lines.length > 0 || this.#dropped > 0) this.#writeWaiting();
      else this.#rest();
    });
  }

  #take(): string {
    const text = this.#lines.join('');
    this.#lines = [];
    this.#waiting = 0;
    return text;
  }

  /** Nobody reads any more (EPIPE), or the descriptor is closed: a program does not end for want of a log. */
  #break(): void {
    this.#isBroken = true;
    this.#take();
    this.#rest();
  }

  #rest(): void {
    this.#isBusy = false;
    this.#idle.resolve();
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
