/** Reads secrets that lie in files: NAME_FILE in place of NAME, as container engines mount them. */
import { reasonOf } from './formats.ts';
import { describeGiven } from './given.ts';
import type { Reading } from './resolve.ts';

/**
 * Puts each secret's text where its path was given, less one line break at its end, and gives back the keys whose file
 * was of no use. Both the secret and its file given is a problem, wherever they were.
 */
export function readSecretFiles({ declarations, sources, readFile, problems }: Reading): ReadonlySet<string> {
  const unreadable = new Set<string>();
  for (const key of Object.keys(declarations)) {
    const source = sources.find(({ files }) => files.has(key));
    const file = source?.files.get(key);
    if (source === undefined || file === undefined) continue;
    const value = sources.map(({ values }) => values.get(key)).find((given) => given !== undefined);
    if (value !== undefined) {
      const line = `${describeGiven(value)} and ${describeGiven(file)} are both given: give one of them`;
      problems.push({ code: 'conflict', setting: value.name, line });
      continue;
    }
    try {
      const raw = readFile(String(file.raw)).replace(/\r?\n$/, '');
      source.values.set(key, { ...file, raw, file: String(file.raw) });
    } catch (error) {
      unreadable.add(key);
      const wrong = `cannot be read (${reasonOf(error)})`;
      const line = `${describeGiven(file, String)} ${wrong}: give the path of a file that this process may read`;
      problems.push({ code: 'unreadable', setting: file.name, line });
    }
  }
  return unreadable;
}
