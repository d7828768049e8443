/**
 * Scanners of answers' heads, which go round: an answer needs one from its first byte to its final head, mostly within one
 * call, and a scanner with its tables is a tenth of what an exchange would leave behind. It knows no exchange.
 */
import { HeadScanner } from '../../shared/http1/head.ts';
import type { HeadLimits } from '../../shared/http1/limits.ts';
import { decodeLatin1 } from '../../shared/transport/latin1.ts';

/** Heads that come in pieces at the same time are few; beyond it scanners are made and forgotten. */
const maxSpare = 32;

export class AnswerScanners {
  readonly #limits: HeadLimits;
  readonly #spare: HeadScanner<'response'>[] = [];

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  take(): HeadScanner<'response'> {
    return this.#spare.pop() ?? new HeadScanner('response', this.#limits, decodeLatin1);
  }

  /** Whoever took it uses it no more. */
  giveBack(scanner: HeadScanner<'response'>): void {
    if (this.#spare.length >= maxSpare) return;
    scanner.reset();
    this.#spare.push(scanner);
  }
}
