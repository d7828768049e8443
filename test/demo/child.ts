/**
 * One program run as a child: started on a leash and outside the terminal's group, so that Ctrl-C reaches only the parent,
 * which stops its children in order. Its JSON log lines are events here; it does not know what they mean.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';

export type LogLine = Readonly<Record<string, unknown>>;

export interface ChildOptions {
  readonly name: string;
  /** The program's file and its arguments. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Every line of its output, parsed where it is JSON. */
  readonly onLine: (name: string, line: LogLine | string) => void;
}

const leash = new URL('leash.ts', import.meta.url).href;
/** A program that has not stopped by then is ended. */
const stopWithinMs = 4_000;

/** A line of JSON as an object; anything else as the text it is. */
export function readLogLine(text: string): LogLine | string {
  if (!text.startsWith('{')) return text;
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? { ...line } : text;
  } catch {
    return text;
  }
}

export class Child {
  readonly name: string;
  /** Settles when it has exited, with how: `exit code 1`, `SIGKILL`. */
  readonly ended: Promise<string>;
  readonly #process: ChildProcess;
  readonly #lines = new EventEmitter<{ line: [LogLine] }>();

  constructor({ name, argv, env, onLine }: ChildOptions) {
    this.name = name;
    this.#process = spawn(process.execPath, ['--import', leash, ...argv], {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    // The channel is a leash and nothing else: it must not keep the parent alive.
    this.#process.channel?.unref();
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      if (output === null) throw new Error('a child has pipes');
      createInterface({ input: output, crlfDelay: Infinity }).on('line', (text) => {
        const line = readLogLine(text);
        onLine(name, line);
        if (typeof line === 'object') this.#lines.emit('line', line);
      });
    }
    this.ended = once(this.#process, 'close').then(([code, signal]) =>
      String(signal ?? `exit code ${String(code)}`),
    );
  }

  /** The first line from now on that says `msg`; fails when the program ends or the signal aborts before it. */
  async line(msg: string, signal: AbortSignal): Promise<LogLine> {
    const giveUp = new AbortController();
    const either = AbortSignal.any([signal, giveUp.signal]);
    const died = this.ended.then((how) => {
      throw new Error(`${this.name} ended (${how})`);
    });
    try {
      return await Promise.race([this.#lineOf(msg, either), died]);
    } finally {
      giveUp.abort();
    }
  }

  async #lineOf(msg: string, signal: AbortSignal): Promise<LogLine> {
    const found = Promise.withResolvers<LogLine>();
    const look = (line: LogLine): void => {
      if (line['msg'] === msg) found.resolve(line);
    };
    const abort = (): void => found.reject(new Error(`${this.name} did not say "${msg}"`));
    this.#lines.on('line', look);
    signal.addEventListener('abort', abort);
    try {
      return await found.promise;
    } finally {
      this.#lines.off('line', look);
      signal.removeEventListener('abort', abort);
    }
  }

  /** Asks it to stop, insists after four seconds; resolves when it has ended. */
  async stop(): Promise<void> {
    const insist = setTimeout(() => this.#process.kill('SIGKILL'), stopWithinMs);
    this.#process.kill('SIGTERM');
    await this.ended;
    clearTimeout(insist);
  }
}
