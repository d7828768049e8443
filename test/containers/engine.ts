/**
 * The container engine as these tests use it: the `docker` command and nothing else. It knows no image of ours.
 *
 * TEST_CONTAINERS says what a missing engine is: unset, a reason to skip; `on`, a failure; `off` skips even where one answers.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { within } from '../e2e/support/deadline.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** What both Dockerfiles start from. It is never fetched by a test. */
export const baseImage = 'node:24-bookworm-slim';

/** Longer than starting or stopping a container takes on a loaded two-core machine. */
export const patienceMs = 30_000;
/** An engine that is there answers at once. */
const engineAnswersWithinMs = 2_000;

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly withinMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command to its end in the repository's root, whatever its exit code. 127: there is no such command. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
  const { withinMs = patienceMs, env = {} } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Output>();
  const settings = {
    cwd: root,
    // The classic builder is part of every engine; BuildKit is not.
    env: { DOCKER_BUILDKIT: '0', ...process.env, ...env },
    timeout: withinMs,
    maxBuffer: 64 * 1024 * 1024,
  };
  execFile(command, args, settings, (error, stdout, stderr) => {
    if (error === null) resolve({ code: 0, stdout, stderr });
    else if (error.code === 'ENOENT')
      resolve({ code: 127, stdout, stderr: `there is no ${command} command` });
    else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
    else reject(new Error(`${command} ${args[0] ?? ''} was ended after ${withinMs} ms:\n${stdout}${stderr}`));
  });
  return promise;
}

/** What `docker …args` prints. Rejects unless it exits with 0. */
export async function docker(args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await run('docker', args, options);
  if (code !== 0) throw new Error(`docker ${args.join(' ')}: exit code ${code}\n${stderr}`);
  return stdout.trim();
}

/** Why containers cannot run here; undefined where they can. */
async function engineProblem(): Promise<string | undefined> {
  const withinMs = engineAnswersWithinMs;
  try {
    const engine = await run('docker', ['version', '--format', '{{.Server.Version}}'], { withinMs });
    if (engine.code !== 0) return `no container engine answers: ${engine.stderr.trim()}`;
    const base = await run('docker', ['image', 'inspect', baseImage], { withinMs });
    return base.code === 0 ? undefined : `the engine has no base image ${baseImage}`;
  } catch {
    return `the container engine does not answer within ${withinMs} ms`;
  }
}

/** For the `skip` of a test: a reason, or false. Rejects where the engine is missing and TEST_CONTAINERS is `on`. */
export async function reasonToSkip(): Promise<string | false> {
  const wanted = process.env['TEST_CONTAINERS'] ?? '';
  if (!['', 'on', 'off'].includes(wanted)) throw new Error('TEST_CONTAINERS is on, off or unset');
  if (wanted === 'off') return 'TEST_CONTAINERS is off';
  const problem = await engineProblem();
  if (problem === undefined) return false;
  if (wanted === 'on') throw new Error(`TEST_CONTAINERS is on, and ${problem}`);
  return problem;
}

/** A name for something of one test, which nothing else on this engine has. */
export function uniqueName(what: string): string {
  return `tunnel-test-${what}-${randomBytes(4).toString('hex')}`;
}

/** A network of its own, on which containers reach each other by name. */
export async function createNetwork(t: Test): Promise<string> {
  const name = uniqueName('net');
  await docker(['network', 'create', name]);
  t.teardown(async () => {
    await docker(['network', 'rm', name]);
  });
  return name;
}

/** Reads what a command that goes on for ever prints, up to the first line that matches. */
export async function firstLine(
  command: string,
  args: readonly string[],
  isIt: (line: string) => boolean,
): Promise<void> {
  const child: ChildProcess = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] });
  if (child.stdout === null) throw new Error('a child with a pipe has one');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    if (isIt(line)) resolve();
  });
  child.once('error', reject);
  child.once('close', () => reject(new Error(`${command} ended without the line:\n${lines.join('\n')}`)));
  try {
    await within(patienceMs, () => `a line of ${command} ${args.join(' ')}:\n${lines.join('\n')}`, promise);
  } finally {
    child.kill('SIGKILL');
  }
}
