/** Reads processor profiles (`.cpuprofile` of V8): which functions the time went into, themselves and not what they called. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  /** Node ids, one for each sample. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

const shown = 10;
/** Before a file of ours, and before a package. */
const folderOfUrl = /^file:\/\/.*\/(?=(?:proxy|agent|shared|node_modules\/(?!\.cache)[^/]+)\/)/;

/** The top ten of every profile in the folder. Time in which nothing was to be done is left out. */
export function topTens(folder: string): string {
  const files = readdirSync(folder).filter((file) => file.endsWith('.cpuprofile'));
  return files
    .toSorted()
    .map((file) => `${file}\n${topTen(readProfile(join(folder, file)))}`)
    .join('\n\n');
}

function topTen({ nodes, samples, timeDeltas }: Profile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const selfUs = new Map<string, number>();
  let busyUs = 0;
  for (const [place, id] of samples.entries()) {
    const name = names.get(id) ?? 'unknown';
    if (name === '(idle)') continue;
    const us = timeDeltas[place] ?? 0;
    busyUs += us;
    selfUs.set(name, (selfUs.get(name) ?? 0) + us);
  }
  return [...selfUs]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, shown)
    .map(([name, us]) => `${((us / busyUs) * 100).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n');
}

function nameOf({ functionName, url, lineNumber }: ProfileNode['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${url.replace(folderOfUrl, '')}:${lineNumber + 1}`;
}

function readProfile(file: string): Profile {
  const profile: Profile = JSON.parse(readFileSync(file, 'utf8'));
  return profile;
}
