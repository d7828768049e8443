/** Where and of what a table was made: figures without it say nothing. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

export interface Circumstances {
  readonly commit: string;
  readonly node: string;
  readonly kernel: string;
  readonly processors: string;
  /** Of the last minute before the run: what else the machine was doing. */
  readonly loadBefore: number;
}

export function readCircumstances(): Circumstances {
  const all = cpus();
  return {
    commit: readCommit(),
    node: process.version,
    kernel: `Linux ${release()}`,
    processors: `${all.length} × ${all[0]?.model.trim() ?? 'unknown'}`,
    loadBefore: loadavg()[0] ?? 0,
  };
}

function git(...args: string[]): string {
  return execFileSync('git', args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

function readCommit(): string {
  try {
    const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}
