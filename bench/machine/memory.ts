/**
 * Memory of processes in RAM, as the kernel counts it page by page (/proc/PID/smaps_rollup). Rss counts a page that two
 * processes share in both, Pss half in each.
 */
import { readFileSync } from 'node:fs';
import { processTree } from './process-tree.ts';

export interface Memory {
  readonly rssBytes: number;
  readonly pssBytes: number;
}

/** Of the processes with their descendants, together. */
export function readMemory(roots: readonly number[]): Memory {
  let rssBytes = 0;
  let pssBytes = 0;
  for (const pid of processTree(roots)) {
    const text = readRollup(pid);
    rssBytes += bytesOf(text, 'Rss');
    pssBytes += bytesOf(text, 'Pss');
  }
  return { rssBytes, pssBytes };
}

function readRollup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  } catch {
    return '';
  }
}

function bytesOf(rollup: string, name: string): number {
  const start = rollup.indexOf(`\n${name}:`);
  return start < 0 ? 0 : Number.parseInt(rollup.slice(start + name.length + 2), 10) * 1024;
}
