/**
 * One program of the product, or a helper of these tests, as a real child process: its log line by line, its memory as
 * the kernel counts it, its end. A program never outlives the test that started it. It knows no settings.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import type { Owner } from './owner.ts';
import { patienceMs, within } from './deadline.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Names of the outer environment that a program inherits: what it takes to run, and what the test runner covers it with. */
const inherited = /^(PATH|HOME|TMPDIR|NODE_OPTIONS|NODE_V8_COVERAGE|TAP.*|_TAPJS.*)$/;
/** For programs whose memory or time is measured: the runner's coverage would be measured with them. */
const inheritedWhenMeasured = /^(PATH|HOME|TMPDIR)$/;

/** How the images and `npm start` run the programs: see docs/architecture.md, "Memory". */
const shippedFlags = [
  '--max-semi-space-size=2',
  '--heap-growing-percent=500',
  '--scavenger-max-new-space-capacity-mb=2',
  '--no-maglev-destroy-on-background',
];

/** A line of a program's log. What is no JSON object comes as `{ msg: line }`. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly measured?: boolean;
}

export class Program {
  readonly name: string;
  readonly lines: LogLine[] = [];
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #output = '';
  #exit: Exit | undefined;
  #changed = Promise.withResolvers<void>();

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      stream.on('data', (bytes: Buffer) => {
        // A failing test shows the end of the log; a program that logs without end fills nothing.
        this.#output = (this.#output + bytes.toString('utf8')).slice(-8192);
      });
    }
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        this.lines.push(parse(line));
        this.#tell();
      });
    }
    const exited = Promise.withResolvers<Exit>();
    this.exited = exited.promise;
    // 'close' and not 'exit': by then the last line of the log has been read.
    child.once('close', (code, signal) => {
      this.#exit = { code, signal };
      exited.resolve(this.#exit);
      this.#tell();
    });
  }

  /** Starts `node path …args` of this repository with a clean environment. Killed when the test is over. */
  static start(t: Owner, path: string, options: ProgramOptions = {}): Program {
    const wanted = options.measured === true ? inheritedWhenMeasured : inherited;
    const outer = Object.entries(process.env).filter(([name]) => wanted.test(name));
    const flags = options.measured === true ? shippedFlags : [];
    const child = spawn(process.execPath, [...flags, path, ...(options.args ?? [])], {
      cwd: root,
      env: { ...Object.fromEntries(outer), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const program = new Program(path, child);
    const killHard = (): void => {
      child.kill('SIGKILL');
    };
    process.once('exit', killHard);
    t.teardown(async () => {
      killHard();
      await program.exited;
      process.removeListener('exit', killHard);
      if (!t.passing()) t.comment(`the log of ${path}:\n${program.output}`);
    });
    return program;
  }

  /** The last 8 KiB of standard output and error. */
  get output(): string {
    return this.#output;
  }

  get isRunning(): boolean {
    return this.#exit === undefined;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The log line of that kind, the first at or behind index `from` (0: since the start). Rejects if the program ends before. */
  async line(isIt: (line: LogLine) => boolean, from = 0, withinMs = patienceMs): Promise<LogLine> {
    const coming = async (): Promise<LogLine> => {
      for (;;) {
        const found = this.lines.slice(from).find(isIt);
        if (found !== undefined) return found;
        if (this.#exit !== undefined) {
          throw new Error(`${this.name} ended (${this.#exit.code ?? this.#exit.signal}):\n${this.#output}`);
        }
        await this.#changed.promise;
      }
    };
    return within(
      withinMs,
      () => `a log line of ${this.name} after line ${from}:\n${this.#output}`,
      coming(),
    );
  }

  /** Rejects unless the program ends within the time. */
  async end(withinMs = patienceMs): Promise<Exit> {
    return within(withinMs, () => `the end of ${this.name}:\n${this.#output}`, this.exited);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** The most memory the process ever had in RAM, as the kernel counts it (VmHWM), in bytes. */
  async peakRssBytes(): Promise<number> {
    const text = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1] ?? Number.NaN) * 1024;
  }

  /** What the process has in RAM now (VmRSS), in bytes. */
  async rssBytes(): Promise<number> {
    const text = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? Number.NaN) * 1024;
  }

  #tell(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}

export function says(msg: string): (line: LogLine) => boolean {
  return (line) => line['msg'] === msg;
}

function parse(line: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === 'object' && parsed !== null) return Object.fromEntries(Object.entries(parsed));
  } catch {
    // Not JSON: a banner for people, or the token that a command printed.
  }
  return { msg: line };
}
