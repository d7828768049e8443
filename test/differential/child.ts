/**
 * A process of the run: a backend, the proxy, an agent. Its standard output is read line by line, the end of what it
 * says is kept for the case that it fails, and it ends with the run. It does not know what the lines mean.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { within } from '../e2e/support/deadline.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const startWithinMs = 20_000;
const stopWithinMs = 5_000;
const keptBytes = 4_096;

/** No compiled files beside the sources. */
export const pythonEnv = { PYTHONDONTWRITEBYTECODE: '1' };

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Gets every line; what it returns other than undefined is what `ready` waits for. */
  readonly onLine: (line: string) => number | undefined;
  /** No line is read any more once it is ready. */
  readonly isQuiet?: boolean;
  /** It has started what must be ended, and does so when its standard input ends: it is not killed before. */
  readonly hasChildren?: boolean;
}

export class Child {
  readonly name: string;
  /** Resolves with the first value that a line gave. */
  readonly ready: Promise<number>;
  readonly #process: ChildProcess;
  readonly #exited = Promise.withResolvers<void>();
  readonly #killHard: () => void;
  #output = '';
  #isStopping = false;

  constructor(name: string, command: string, args: readonly string[], options: ChildOptions) {
    this.name = name;
    const { PATH = '', HOME = '', TMPDIR } = process.env;
    const child = spawn(command, args, {
      cwd: root,
      env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...options.env },
      // Its standard input ends with this process: a backend that is told so ends itself, with what it started.
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#process = child;
    this.#killHard = (): void => {
      child.kill('SIGKILL');
    };
    if (options.hasChildren !== true) process.once('exit', this.#killHard);
    const ready = Promise.withResolvers<number>();
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const value = options.onLine(line);
      if (value !== undefined) ready.resolve(value);
    });
    if (options.isQuiet === true) {
      // A log of every request is of no use here, and reading its lines costs.
      void ready.promise.then(() => lines.close()).catch(() => undefined);
      void ready.promise.then(() => child.stdout.resume()).catch(() => undefined);
    }
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        this.#output = (this.#output + bytes.toString('latin1')).slice(-keptBytes);
      });
    }
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => ready.reject(error));
    // Not 'close': what a server started may hold its output open.
    child.once('exit', (code, signal) => {
      this.#exited.resolve();
      const story = `${name} ended (${String(code ?? signal)}):\n${this.#output}`;
      ready.reject(new Error(story));
      if (!this.#isStopping && code !== 0) console.error(story);
    });
    ready.promise.catch(() => undefined);
    this.ready = within(startWithinMs, () => `the start of ${name}:\n${this.#output}`, ready.promise);
    this.ready.catch(() => undefined);
  }

  get output(): string {
    return this.#output;
  }

  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#process.stdin?.end();
    this.#process.kill('SIGTERM');
    const timer = setTimeout(this.#killHard, stopWithinMs);
    await this.#exited.promise;
    clearTimeout(timer);
    process.removeListener('exit', this.#killHard);
  }
}

/** Stops all of them at once. */
export async function stopAll(children: readonly Child[]): Promise<void> {
  await Promise.all(children.map((child) => child.stop()));
}

/** The value of a line that is a JSON object with this `msg`, as the product and the backends log their port. */
export function portOf(line: string): number | undefined {
  if (!line.includes('"listening"')) return undefined;
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed !== 'object' || parsed === null || !('port' in parsed)) return undefined;
  return typeof parsed.port === 'number' ? parsed.port : undefined;
}
