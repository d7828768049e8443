/**
 * Loads a program's settings from all sources: flags beat the environment, which beats the file, which beats defaults.
 * All problems are reported together.
 */
import { readCommandLine } from './command-line.ts';
import type { CommandLine } from './command-line.ts';
import type { Check, Declarations, Settings } from './declaration.ts';
import type { ReadFile } from './format.ts';
import { createSource, give } from './given.ts';
import type { Source } from './given.ts';
import { configFileEnv, Names } from './names.ts';
import { resolve } from './resolve.ts';
import { readSecretFiles } from './secret-files.ts';
import { SettingError } from './setting-error.ts';
import type { SettingProblem } from './setting-error.ts';
import { readSettingsFile } from './settings-file.ts';

export interface Sources {
  /** Without the program's own name: `process.argv.slice(2)`. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: ReadFile;
}

export interface Rules<S> {
  readonly checks?: readonly Check<S>[];
  /** Settings of another command that the same `-e` and the same file may hold; they are passed over. */
  readonly alsoKnown?: Declarations;
}

/**
 * The settings, typed by their declarations. Pure but for `readFile`.
 *
 * @throws SettingError with a line for every problem there is
 */
export function loadSettings<const D extends Declarations>(
  declarations: D,
  { argv, env, readFile }: Sources,
  { checks = [], alsoKnown }: Rules<Settings<D>> = {},
): Settings<D> {
  const problems: SettingProblem[] = [];
  const names = new Names(declarations, alsoKnown);
  const commandLine = readCommandLine(argv, names, problems);
  const environment = readEnvironment(env, names, problems);
  overrule(environment, commandLine.env);
  const path = commandLine.configFile?.raw ?? env[configFileEnv] ?? '';
  const file =
    path === '' ? createSource() : readSettingsFile({ path: String(path), names, readFile, problems });
  // The strongest first.
  const reading = {
    declarations,
    sources: [commandLine.flags, environment, file],
    readFile,
    problems,
  } as const;
  const unreadable = readSecretFiles(reading);
  const values = resolve(reading, unreadable);
  // Sound: each value was read by the format its declaration names, and a missing one is a problem thrown below.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- keys that come from data have no types of their own
  const settings = Object.fromEntries(values) as Settings<D>;
  for (const { of, wrong } of checks) {
    if (!of.every((key) => values.has(String(key)))) continue;
    const line = wrong(settings);
    if (line !== undefined) problems.push({ code: 'conflict', setting: String(of[0]), line });
  }
  if (problems.length > 0) throw new SettingError(problems);
  return Object.freeze(settings);
}

/** Names of the real environment that are not ours belong to somebody else; an empty value is none. */
function readEnvironment(env: Sources['env'], names: Names, problems: SettingProblem[]): Source {
  const source = createSource();
  for (const [name, named] of names.env) {
    const raw = env[name];
    const isSecondName = named.declaration.alsoEnv === name;
    if (raw === undefined || raw === '' || (isSecondName && source.values.has(named.key))) continue;
    give(source, named, { raw, name, separator: '=', place: ' (environment)' }, problems);
  }
  return source;
}

/** `-e` overrules the real environment, also with an empty value: then nothing is set. */
function overrule(environment: Source, { values, files }: CommandLine['env']): void {
  for (const [stronger, weaker] of [
    [values, environment.values],
    [files, environment.files],
  ] as const) {
    for (const [key, given] of stronger) {
      if (given.raw === '') weaker.delete(key);
      else weaker.set(key, given);
    }
  }
}
