/**
 * What all streams of one program may hold together, in both directions: arithmetic only, kept as streams come and go. A stream
 * takes, before it is opened, what it could come to hold whatever its peer does: a window that was granted cannot be taken back.
 * So memory is a number. It knows no streams and no sockets; what a program holds beside its streams is not counted here.
 */
import { initialWindowBytes, narrowWindowBytes, WindowBudget } from './window.ts';
import type { Reserve } from './window.ts';

/** How much a stream may hold: wide ones are fast, narrow ones many. Both ends of a stream know which it is. */
export type Width = 'wide' | 'narrow';

/** What may be taken by `write` and not framed. */
export const queueBytes: Readonly<Record<Width, number>> = { wide: 128 * 1024, narrow: 8 * 1024 };

/** What one read of a socket leaves with us when the stream takes no more of it. */
const readBytes: Readonly<Record<Width, number>> = { wide: 64 * 1024, narrow: 16 * 1024 };

/** What a socket takes before it says that it is full. A narrow stream's bytes are consumed when they have left it: none. */
const socketBytes: Readonly<Record<Width, number>> = { wide: 64 * 1024, narrow: 0 };

/** The stream itself, the sockets and the exchange that it belongs to, as objects: about what was measured. */
const objectBytes = 8 * 1024;

const windowBytes: Readonly<Record<Width, number>> = { wide: initialWindowBytes, narrow: narrowWindowBytes };

/** All that a stream may hold before its window grows. */
export const streamBytes: Readonly<Record<Width, number>> = { wide: sumOf('wide'), narrow: sumOf('narrow') };

function sumOf(width: Width): number {
  return windowBytes[width] + queueBytes[width] + readBytes[width] + socketBytes[width] + objectBytes;
}

/** Up to here streams are opened wide; what is left is for many narrow ones. */
const wideShare = 1 / 2;
/** Up to here windows grow. Beyond, what is consumed of a large window is given back and not granted again. */
const growthShare = 3 / 4;
/** The most that all windows together grow by, and those of one link: one link alone leaves something to the others. */
const mostGrowth = { all: 1 / 2, link: 1 / 4 } as const;

export class MemoryBudget implements Reserve {
  readonly limitBytes: number;
  readonly #growth: WindowBudget;
  #reservedBytes = 0;
  #refusedStreams = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
    this.#growth = new WindowBudget(limitBytes * mostGrowth.all, {
      reserve: (bytes) => this.#reserve(bytes, growthShare),
      release: (bytes) => this.release(bytes),
    });
  }

  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** Streams that were not opened, since the start. */
  get refusedStreams(): number {
    return this.#refusedStreams;
  }

  /** How many wide streams fit, where there are no others. */
  get mostWideStreams(): number {
    return Math.floor((this.limitBytes * wideShare) / streamBytes.wide);
  }

  /** There is so little left that large windows should become small ones. */
  get isTight(): boolean {
    return this.#reservedBytes > this.limitBytes * growthShare;
  }

  /** What a stream that is opened now should be. */
  get width(): Width {
    return this.#reservedBytes + streamBytes.wide <= this.limitBytes * wideShare ? 'wide' : 'narrow';
  }

  /** For the windows of one link. */
  growthOfLink(): WindowBudget {
    return new WindowBudget(this.limitBytes * mostGrowth.link, this.#growth);
  }

  /** False: there is no room for one more, and it must be refused. Else what it takes is its own until `release`. */
  openStream(width: Width): boolean {
    if (this.reserve(streamBytes[width])) return true;
    this.#refusedStreams += 1;
    return false;
  }

  /** For what a stream needs beside itself; false: it must be refused. */
  openBeside(bytes: number): boolean {
    if (this.reserve(bytes)) return true;
    this.#refusedStreams += 1;
    return false;
  }

  /** All or nothing. */
  reserve(bytes: number): boolean {
    return this.#reserve(bytes, 1);
  }

  /** What is there already: in place of at least as much that has been released just now. */
  retain(bytes: number): void {
    this.#reservedBytes += bytes;
  }

  release(bytes: number): void {
    if (bytes > this.#reservedBytes) throw new Error('more memory given back than was taken');
    this.#reservedBytes -= bytes;
  }

  #reserve(bytes: number, share: number): boolean {
    if (this.#reservedBytes + bytes > this.limitBytes * share) return false;
    this.#reservedBytes += bytes;
    return true;
  }
}
