/**
 * A program of the stage that is stopped, killed and started again. It is of use when its links are up; until then whoever
 * started it may wait. It knows how to start it by what it is given, and nothing of the others.
 */
import { patienceMs } from '../e2e/support/deadline.ts';
import { type Owner, OwnLife } from '../e2e/support/owner.ts';
import type { LogLine, Program } from '../e2e/support/program.ts';

/** An end that takes longer is none: above the DRAIN_TIMEOUT of the programs. */
const endWithinMs = 45_000;
/** Enough to see what went wrong. */
const keptLines = 20;

export interface MemberOptions {
  readonly role: 'proxy' | 'agent';
  readonly name: string;
  start(owner: Owner): Promise<Program>;
  /** What went wrong with it that nobody has brought about. */
  onFault(what: string): void;
}

export class Member {
  readonly role: 'proxy' | 'agent';
  readonly name: string;
  /** Somebody is at it. */
  isBusy = false;
  /** How often it has been started. */
  starts = 0;
  /** How often it was killed. */
  kills = 0;
  readonly #options: MemberOptions;
  readonly #owner: Owner;
  #life: OwnLife | undefined;
  #program: Program | undefined;
  /** Of the programs before this one. */
  #failureLines: readonly LogLine[] = [];

  constructor(owner: Owner, options: MemberOptions) {
    this.#owner = owner;
    this.#options = options;
    this.role = options.role;
    this.name = options.name;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error(`${this.name} was never started`);
    return this.#program;
  }

  async start(): Promise<void> {
    const life = new OwnLife();
    this.#life = life;
    this.#program = await this.#options.start(life);
    this.starts += 1;
    if (this.starts === 1) this.#owner.teardown(() => this.#life?.release());
  }

  /** As an operator does it: asked to stop, waited for, started again. */
  async restart(): Promise<void> {
    const { program } = this;
    this.#expectRunning();
    program.signal('SIGTERM');
    const exit = await program.end(endWithinMs);
    if (exit.code !== 0) this.#fault(`ended with ${String(exit.code ?? exit.signal)} and not 0`);
    await this.#again();
  }

  /** As a machine does it that loses its power, and has it again after a while. */
  async kill(awayMs: number): Promise<void> {
    this.#expectRunning();
    this.kills += 1;
    await this.program.kill();
    await pause(awayMs);
    await this.#again();
  }

  /** As a machine does it that sleeps. */
  async stopFor(awayMs: number): Promise<void> {
    this.#expectRunning();
    this.program.signal('SIGSTOP');
    await pause(awayMs).finally(() => this.program.signal('SIGCONT'));
  }

  /** Nobody has ended it, and yet it runs no more. */
  checkRunning(): void {
    this.#expectRunning();
  }

  /** Of the exchanges that were answered with a failure or broken off, what its log says; the last ones. */
  failureLines(): readonly LogLine[] {
    const { lines } = this.program;
    return [...this.#failureLines, ...lines.filter(isFailure)].slice(-keptLines);
  }

  async #again(): Promise<void> {
    this.#failureLines = this.failureLines();
    await this.#life?.release();
    await this.start();
  }

  #expectRunning(): void {
    if (!this.program.isRunning) this.#fault('ended by itself');
  }

  #fault(what: string): void {
    this.#options.onFault(`${this.name} ${what}:\n${this.program.output}`);
  }
}

function isFailure(line: LogLine): boolean {
  return line['msg'] === 'exchange' && (Number(line['status']) >= 500 || line['abortedBy'] !== undefined);
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, Math.max(0, ms));
  });
}

/** For a wait on a machine that does much else. */
export const stagePatienceMs = 3 * patienceMs;
