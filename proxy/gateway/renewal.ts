/**
 * The fresh tokens that an agent sends on one link, judged one at a time: of those that come meanwhile only the last
 * is, so that a flood of them costs one signature at a time and holds one token. It knows no link.
 */
import { isAgentFault } from './refusals.ts';
import type { AgentFault } from './refusals.ts';

export interface RenewalOptions {
  /** @throws AgentFault where it is not taken */
  take(token: string): Promise<void>;
  onTaken(): void;
  onRefused(fault: AgentFault): void;
}

export class Renewal {
  readonly #options: RenewalOptions;
  #isRunning = false;
  #next: string | undefined;

  constructor(options: RenewalOptions) {
    this.#options = options;
  }

  offer(token: string): void {
    this.#next = token;
    // A rejection is a mistake of ours, and crashes the process as such.
    if (!this.#isRunning) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#next !== undefined) {
      const token = this.#next;
      this.#next = undefined;
      try {
        // oxlint-disable-next-line no-await-in-loop -- one at a time is what it is for
        await this.#options.take(token);
        this.#options.onTaken();
      } catch (error) {
        if (!isAgentFault(error)) throw error;
        this.#options.onRefused(error);
      }
    }
    this.#isRunning = false;
  }
}
