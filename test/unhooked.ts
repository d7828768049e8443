/**
 * Runs a tool of node_modules as a child without tap's hooks. tap puts itself into every node child by NODE_OPTIONS (and
 * again should it be removed from `env`), and tools that are more than plain scripts break on it or lose their output:
 * a shell in between takes it out.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** A lint report over hundreds of planted files is large. */
const maxBuffer = 64 * 1024 * 1024;

/** Its standard output. Rejects as execFile does where it ends with another code than 0. */
export async function runUnhooked(script: string, args: readonly string[], cwd: string): Promise<string> {
  const argv = ['-c', 'unset NODE_OPTIONS; exec "$@"', 'sh', process.execPath, script, ...args];
  const { stdout } = await run('sh', argv, { cwd, maxBuffer });
  return stdout;
}
