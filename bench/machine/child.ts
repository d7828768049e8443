/**
 * A process that a run has started, in a process group of its own: what it says, its end, and how to end it with all that it has
 * started itself. It does not know what the process does.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { processTree } from './process-tree.ts';

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Where its output goes; without it, the end of it is kept in memory. */
  readonly logFile?: string;
}

/** A process that has not stopped by then is killed. */
const stopWithinMs = 5_000;
/** For the rest of its output, once it has ended. */
const outputWithinMs = 100;
/** The end of what a process says, for an error message or a result of one line. */
const keptChars = 65_536;

/** What a process needs of the environment; its settings are handed to it. */
const inherited = ['PATH', 'HOME', 'TMPDIR', 'USER'];

export class Child {
  readonly name: string;
  readonly exited: Promise<number | null>;
  readonly #process: ChildProcess;
  #isRunning = true;
  #output = '';

  constructor(command: string, args: readonly string[], options: ChildOptions = {}) {
    // Of a program of ours: the script that node runs.
    this.name = basename(command === process.execPath ? (args[0] ?? command) : command);
    const log = options.logFile === undefined ? 'pipe' : openSync(options.logFile, 'a');
    const outer = inherited.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    this.#process = spawn(command, args, {
      env: { ...Object.fromEntries(outer), ...options.env },
      detached: true,
      stdio: ['ignore', log, log],
    });
    if (typeof log === 'number') closeSync(log);
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-keptChars);
      });
    }
    this.exited = this.#end();
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  get output(): string {
    return this.#output;
  }

  /** Asks it to stop, and kills it where it does not. */
  async stop(): Promise<void> {
    this.signal('SIGTERM');
    const patience = new AbortController();
    const late = setTimeout(stopWithinMs, 'late', { signal: patience.signal }).catch(() => 'ended');
    if ((await Promise.race([this.exited, late])) === 'late') this.signal('SIGKILL');
    patience.abort();
    await this.exited;
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  /** To all of its group. What cannot refuse reaches children that have left the group, too: sshd's do. */
  signal(name: NodeJS.Signals): void {
    if (!this.#isRunning || this.#process.pid === undefined) return;
    const strays = name === 'SIGKILL' ? processTree([this.#process.pid]) : [];
    for (const pid of [-this.#process.pid, ...strays]) {
      try {
        process.kill(pid, name);
      } catch {
        // It has ended in this moment.
      }
    }
  }

  async #end(): Promise<number | null> {
    try {
      // By 'close' all of its output is here; but a process that it has left behind may hold the pipe.
      const closed = once(this.#process, 'close');
      const [code]: unknown[] = await once(this.#process, 'exit');
      await Promise.race([closed, setTimeout(outputWithinMs, undefined, { ref: false })]);
      this.#isRunning = false;
      return typeof code === 'number' ? code : null;
    } catch (error) {
      // It could not be started.
      this.#output += error instanceof Error ? error.message : String(error);
      this.#isRunning = false;
      return null;
    }
  }
}
