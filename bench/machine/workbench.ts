/**
 * What a run has laid out on the machine: folders and processes. All of it is gone when the run is over, however it ends.
 * It does not know what is measured.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, type ChildOptions } from './child.ts';

/** A file system in memory where there is one: the disk is no part of what is measured. */
const memoryFileSystem = '/dev/shm';

export class Workbench implements AsyncDisposable {
  /** For configurations, logs and large files. */
  readonly folder = mkdtempSync(join(existsSync(memoryFileSystem) ? memoryFileSystem : tmpdir(), 'bench-'));
  readonly #children = new Set<Child>();
  readonly #clearing: (() => void)[] = [];
  readonly #clearAtOnce = (): void => this.#clear();
  readonly #exit = (): void => process.exit(130);

  constructor() {
    process.once('exit', this.#clearAtOnce);
    process.once('SIGINT', this.#exit);
    process.once('SIGTERM', this.#exit);
  }

  /** Something else that is to be taken away at the end. */
  onClear(clear: () => void): void {
    this.#clearing.push(clear);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  spawn(command: string, args: readonly string[], options: ChildOptions = {}): Child {
    const child = new Child(command, args, options);
    this.#children.add(child);
    void child.exited.then(() => this.#children.delete(child));
    return child;
  }

  /** Runs a command to its end and gives what it said. Rejects where it fails or takes longer. */
  async run(command: string, args: readonly string[], withinMs: number, env = {}): Promise<string> {
    const child = this.spawn(command, args, { env });
    const timer = setTimeout(() => child.signal('SIGKILL'), withinMs);
    const code = await child.exited;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`${child.name} ended with ${code ?? 'a signal'}: ${child.output}`);
    return child.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#children].map((child) => child.stop()));
    this.#clear();
    process.removeListener('exit', this.#clearAtOnce);
    process.removeListener('SIGINT', this.#exit);
    process.removeListener('SIGTERM', this.#exit);
  }

  #clear(): void {
    for (const child of this.#children) child.signal('SIGKILL');
    for (const clear of this.#clearing.splice(0)) clear();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
