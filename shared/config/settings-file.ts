/**
 * Reads the settings' file, JSON or YAML by its ending: one mapping from names, spelled as in the environment or as
 * flags, to texts or lists of texts. What is wrong with it is a problem; its content never stands in one.
 */
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import type { Raw, ReadFile } from './format.ts';
import { reasonOf } from './formats.ts';
import { createSource, give } from './given.ts';
import type { Source } from './given.ts';
import type { Names } from './names.ts';
import type { SettingProblem } from './setting-error.ts';

export interface FileReading {
  readonly path: string;
  readonly names: Names;
  readonly readFile: ReadFile;
  readonly problems: SettingProblem[];
}

export function readSettingsFile(reading: FileReading): Source {
  const { path, names, problems } = reading;
  const source = createSource();
  for (const [name, value] of Object.entries(parseFile(reading) ?? {})) {
    const named = names.ofFileKey(name);
    const place = ` (file ${path})`;
    if (named === undefined) {
      if (names.isSomebodyElses(name)) continue;
      const line = `${name}${place} is not a setting: ${names.suggestEnv(name)}`;
      problems.push({ code: 'unknown', setting: name, line });
      continue;
    }
    const raw = readRaw(value);
    if (raw === '') continue;
    if (raw === undefined) {
      const line = `${name}${place} is neither a text nor a list of texts: ${named.declaration.format.right}`;
      problems.push({ code: 'impossible', setting: name, line });
    } else give(source, named, { raw, name, separator: ': ', place }, problems);
  }
  return source;
}

function parseFile({ path, readFile, problems }: FileReading): object | undefined {
  const unreadable = (wrong: string): undefined => {
    problems.push({ code: 'unreadable', setting: path, line: `the settings' file ${path} ${wrong}` });
  };
  const isYaml = /\.ya?ml$/i.test(path);
  if (!isYaml && !/\.json$/i.test(path))
    return unreadable('is neither .json nor .yaml nor .yml: name it by what is in it');
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    return unreadable(
      `cannot be read (${reasonOf(error)}): give the path of a file that this process may read`,
    );
  }
  const parsed = isYaml ? parseYaml(text) : parseJson(text);
  if ('wrong' in parsed) return unreadable(parsed.wrong);
  const { value } = parsed;
  // An empty YAML file has no settings; that is a file too.
  if (value === null || value === '') return undefined;
  if (typeof value === 'object' && !Array.isArray(value)) return value;
  return unreadable('holds no mapping: write NAME: VALUE on each line');
}

type Parsed = { readonly value: unknown } | { readonly wrong: string };

function parseJson(text: string): Parsed {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return { wrong: 'is not JSON' };
    throw error;
  }
}

function parseYaml(text: string): Parsed {
  // Loaded only where there is such a file: a program without one is spared its 13 MB.
  const yaml: typeof Yaml = createRequire(import.meta.url)('yaml');
  try {
    // In the failsafe schema every scalar is the text that stands there: nothing becomes a number, a date or a boolean.
    return { value: yaml.parse(text, { schema: 'failsafe', prettyErrors: false, logLevel: 'error' }) };
  } catch (error) {
    if (!(error instanceof yaml.YAMLParseError)) throw error;
    return { wrong: `is not YAML (line ${lineAt(text, error.pos[0])}, ${error.code})` };
  }
}

/** A text, a list of texts, the empty text for what is not set, or undefined for what no setting can be. */
function readRaw(value: unknown): Raw | undefined {
  if (value === null) return '';
  if (!Array.isArray(value)) return readText(value);
  const texts = value.map(readText);
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

/** JSON has numbers and booleans of its own; they are taken as they would be written. */
function readText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || Number.isSafeInteger(value) ? String(value) : undefined;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}
