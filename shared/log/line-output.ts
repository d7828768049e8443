/**
 * Writes lines to a file descriptor without ever holding up the event loop: lines wait in memory, bounded, and go out
 * together. A slow reader costs lines, which are counted; a reader that is gone costs nothing. Knows no log format.
 */
import { write, writeSync } from 'node:fs';
import { LineBlocks } from './line-blocks.ts';

export interface LineOutputOptions {
  readonly fd: number;
  /** What may wait; beyond it lines are dropped, so that memory stays bounded. */
  readonly maxWaitingBytes?: number;
  /** Told how many lines were dropped, once there is room again. */
  readonly onDropped?: (lines: number) => void;
}

const defaultMaxWaitingBytes = 4 * 1024 * 1024;
/** Nobody who reads a log notices it; what a killed process can lose is as much. */
const gatherMs = 20;
/** A write that is worth the walk. */
const gatheredEnoughBytes = 32 * 1024;
/** A pipe that another process made non-blocking says EAGAIN when it is full; it is asked again after this. */
const retryMs = 10;
/** How often it is asked when the process is exiting: a second in all. */
const maxExitRetries = 100;

export class LineOutput {
  readonly #fd: number;
  readonly #maxWaitingBytes: number;
  readonly #onDropped: (lines: number) => void;
  readonly #blocks = new LineBlocks();
  #dropped = 0;
  /** A write is on its way, or about to be: at most one at a time, so that lines keep their order. */
  #isBusy = false;
  #isBroken = false;
  #idle = Promise.withResolvers<void>();
  /** While lines wait that are in no hurry. */
  #gathering: NodeJS.Timeout | undefined;
  readonly #onGathered = (): void => this.#writeGathered();

  constructor(options: LineOutputOptions) {
    this.#fd = options.fd;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? defaultMaxWaitingBytes;
    this.#onDropped = options.onDropped ?? (() => undefined);
  }

  /** `line` ends with its line break. All lines of this turn go out in one write, with those that were gathered. */
  write(line: string): void {
    if (this.#hold(line)) this.#writeSoon();
  }

  /** The same for lines that come by the thousand: each write is a walk to another thread and back, so they go together. */
  gather(line: string): void {
    if (!this.#hold(line) || this.#isBusy) return;
    if (this.#blocks.waitingBytes >= gatheredEnoughBytes) this.#writeSoon();
    else this.#gathering ??= setTimeout(this.#onGathered, gatherMs);
  }

  #hold(line: string): boolean {
    if (this.#isBroken) return false;
    // By its characters, before it is written: one line may pass the bound by what UTF-8 adds to it.
    if (this.#blocks.waitingBytes + line.length > this.#maxWaitingBytes) {
      this.#dropped += 1;
      return false;
    }
    this.#blocks.add(line);
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
    if (this.#blocks.waitingBytes > 0) this.#writeSoon();
  }

  /** Settles when every line so far is written, or can never be. */
  flush(): Promise<void> {
    this.#writeGathered();
    return this.#isBusy ? this.#idle.promise : Promise.resolve();
  }

  /** For the exit of the process, when no callback runs any more; waits at most a second for a full pipe. */
  flushSync(): void {
    let rest = this.#blocks.take();
    for (let retries = 0; rest !== undefined && !this.#isBroken && retries < maxExitRetries;) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
        if (rest.length === 0) rest = this.#blocks.take();
      } catch (error) {
        if (!isFull(error)) return;
        retries += 1;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
      }
    }
  }

  #writeWaiting(): void {
    const dropped = this.#dropped;
    const bytes = this.#blocks.take();
    if (dropped > 0) {
      this.#dropped = 0;
      this.#onDropped(dropped);
    }
    if (bytes !== undefined) {
      this.#writeBytes(bytes, bytes);
      return;
    }
    // The lines waiting were written by flushSync, or all were dropped: nothing is left to say.
    if (this.#blocks.waitingBytes > 0) setImmediate(() => this.#writeWaiting());
    else this.#rest();
  }

  /** @param rest what is not written yet of `block` */
  #writeBytes(rest: Buffer, block: Buffer): void {
    write(this.#fd, rest, (error, written) => {
      if (error !== null && isFull(error)) setTimeout(() => this.#writeBytes(rest, block), retryMs);
      else if (error !== null) this.#break();
      else if (written < rest.length) this.#writeBytes(rest.subarray(written), block);
      else this.#written(block);
    });
  }

  #written(block: Buffer): void {
    this.#blocks.giveBack(block);
    if (this.#blocks.waitingBytes > 0 || this.#dropped > 0) this.#writeWaiting();
    else this.#rest();
  }

  /** Nobody reads any more (EPIPE), or the descriptor is closed: a program does not end for want of a log. */
  #break(): void {
    this.#isBroken = true;
    while (this.#blocks.take() !== undefined);
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
