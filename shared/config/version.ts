/** The program's own version, as package.json has it: from the sources and from what is built alike. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** shared/config/ lies two folders below package.json, and so do dist/proxy/ and dist/agent/. */
const maxLevels = 2;

export function readVersion(): string {
  let folder = import.meta.dirname;
  for (let level = 0; level < maxLevels; level += 1) {
    folder = dirname(folder);
    const version = versionIn(join(folder, 'package.json'));
    if (version !== undefined) return version;
  }
  throw new Error('package.json is not where this program was installed');
}

function versionIn(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const content: unknown = JSON.parse(text);
  return typeof content === 'object' && content !== null && 'version' in content
    ? String(content.version)
    : undefined;
}
