/**
 * One `docker run` in the foreground, as a user types it: what it prints, its health, its end. A container never outlives
 * the test that started it. It knows no settings of ours.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Test } from 'tap';
import { within } from '../e2e/support/deadline.ts';
import { docker, firstLine, patienceMs, root, run, uniqueName, type Output } from './engine.ts';

export interface ContainerOptions {
  readonly image: string;
  /** Before the image name: options of `docker run`. */
  readonly options?: readonly string[];
  /** Behind the image name: what the program gets. */
  readonly args?: readonly string[];
}

export interface Stopped {
  readonly code: number | null;
  readonly tookMs: number;
}

export class Container {
  readonly name = uniqueName('run');
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = '';
  #hasEnded = false;
  #changed = Promise.withResolvers<void>();

  private constructor({ image, options = [], args = [] }: ContainerOptions) {
    const argv = ['run', '--rm', '--name', this.name, ...options, image, ...args];
    this.#child = spawn('docker', argv, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        this.#output += bytes.toString('utf8');
        this.#tell();
      });
    }
    const ended = Promise.withResolvers<number | null>();
    this.#ended = ended.promise;
    this.#child.once('close', (code) => {
      this.#hasEnded = true;
      ended.resolve(code);
      this.#tell();
    });
  }

  static start(t: Test, options: ContainerOptions): Container {
    const container = new Container(options);
    // `docker run` passes the signal on, so that a runner that is ended leaves no container behind.
    const endIt = (): void => {
      container.#child.kill('SIGTERM');
    };
    process.once('exit', endIt);
    t.teardown(async () => {
      await run('docker', ['rm', '--force', '--volumes', container.name]);
      await container.#ended;
      process.removeListener('exit', endIt);
      if (!t.passing()) t.comment(`what ${options.image} said:\n${container.#output}`);
    });
    return container;
  }

  /** Its standard output and error so far. */
  get output(): string {
    return this.#output;
  }

  /** What `pattern` finds in its output, as soon as it is there. Rejects if the container ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const coming = async (): Promise<RegExpExecArray> => {
      for (;;) {
        const found = pattern.exec(this.#output);
        if (found !== null) return found;
        if (this.#hasEnded) throw new Error(`the container ended without ${pattern}:\n${this.#output}`);
        await this.#changed.promise;
      }
    };
    return within(patienceMs, () => `${pattern} in\n${this.#output}`, coming());
  }

  /** Once the engine has found it healthy, by the image's own check. */
  async healthy(): Promise<void> {
    const filters = [`container=${this.name}`, 'event=health_status'].flatMap((it) => ['--filter', it]);
    const args = ['events', '--since', '10m', ...filters, '--format', '{{.Action}}'];
    await firstLine('docker', args, (line) => line.includes('health_status: healthy'));
  }

  /** Runs a command inside. */
  exec(...command: string[]): Promise<Output> {
    return run('docker', ['exec', this.name, ...command]);
  }

  /** Where a port of it is reached from here. */
  async published(port: number): Promise<{ host: string; port: number }> {
    const address = await docker(['port', this.name, `${port}/tcp`]);
    const [, host, published] = /^([\d.]+):(\d+)$/m.exec(address) ?? [];
    if (host === undefined) throw new Error(`port ${port} is not published: ${address}`);
    return { host, port: Number(published) };
  }

  /** `docker stop`: SIGTERM to process 1, and after ten seconds SIGKILL, which would be exit code 137. */
  async stop(): Promise<Stopped> {
    const startedAtMs = performance.now();
    await docker(['stop', this.name]);
    const code = await this.ended();
    return { code, tookMs: performance.now() - startedAtMs };
  }

  async signal(name: 'INT' | 'STOP' | 'CONT'): Promise<void> {
    await docker(['kill', '--signal', name, this.name]);
  }

  /** Its exit code, once it has ended. */
  async ended(): Promise<number | null> {
    return within(patienceMs, () => `the end of the container:\n${this.#output}`, this.#ended);
  }

  #tell(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}
