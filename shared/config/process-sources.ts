/** The sources of a running program: its command line, its environment, its files. */
import { readFileSync } from 'node:fs';
import type { Sources } from './load.ts';

/** @param argv where a command's name stands before its flags, what is behind that name */
export function processSources(argv: readonly string[] = process.argv.slice(2)): Sources {
  return { argv, env: process.env, readFile: (path) => readFileSync(path, 'utf8') };
}
