/** Processes and what they have started: servers that fork are measured whole. */
import { readdirSync, readFileSync } from 'node:fs';

/** The given processes that live, with all their descendants. */
export function processTree(roots: readonly number[]): number[] {
  const childrenOf = new Map<number, number[]>();
  const alive = new Set<number>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const fields = statFields(pid);
    if (fields === undefined) continue;
    alive.add(pid);
    const parent = Number(fields[1]);
    const siblings = childrenOf.get(parent);
    if (siblings === undefined) childrenOf.set(parent, [pid]);
    else siblings.push(pid);
  }
  const found = new Set(roots.filter((pid) => alive.has(pid)));
  for (const pid of found) for (const child of childrenOf.get(pid) ?? []) found.add(child);
  return [...found];
}

/** The fields of /proc/PID/stat from the third, the state, on: the second is a name that may hold anything. */
export function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
