/**
 * From what the sources give to typed values. convict lives here: it decides which value wins and asks each setting's
 * format about it; what a format objects to becomes a problem in words that name the setting and its place.
 */
import convict from 'convict';
import type { Declaration, Declarations } from './declaration.ts';
import { flagOf } from './declaration.ts';
import { FormatViolation } from './format.ts';
import type { Raw, ReadFile } from './format.ts';
import { describeGiven } from './given.ts';
import type { Given, Source } from './given.ts';
import type { SettingProblem } from './setting-error.ts';

export interface Reading {
  readonly declarations: Declarations;
  /** The strongest first, the file last. */
  readonly sources: readonly [flags: Source, environment: Source, file: Source];
  readonly readFile: ReadFile;
  readonly problems: SettingProblem[];
}

/**
 * The values by key. A key without a fit value is absent, and why is among the problems.
 *
 * @param spoiled keys that have their problem already
 */
export function resolve(reading: Reading, spoiled: ReadonlySet<string>): Map<string, unknown> {
  const { declarations, sources, readFile, problems } = reading;
  const [flags, environment, file] = sources;
  const values = new Map<string, unknown>();
  const asked = new Set<string>(spoiled);
  const schema: Record<string, convict.SchemaObj> = {};
  for (const [key, declaration] of Object.entries(declarations)) {
    schema[key] = {
      // Flags and environment reach convict as one map by key: its own reading of a command line turns `007` into 7.
      env: key,
      default: declaration.default,
      format: (raw: Raw) => {
        asked.add(key);
        try {
          values.set(key, declaration.format.read(raw, readFile, winner(sources, key)?.file));
        } catch (error) {
          if (!(error instanceof FormatViolation)) throw error;
          problems.push(impossible(declaration, raw, winner(sources, key), error));
        }
      },
    };
  }
  const env = { ...textsOf(environment), ...textsOf(flags) };
  convict(schema, { env, args: [] }).load(rawsOf(file)).validate({ allowed: 'strict' });
  for (const [key, declaration] of Object.entries(declarations)) {
    if (asked.has(key)) continue;
    // convict asks no format about a setting that nobody gave and that has no default.
    if (declaration.isRequired === true) problems.push(missing(declaration));
    else values.set(key, undefined);
  }
  return values;
}

function winner(sources: Reading['sources'], key: string): Given | undefined {
  return sources.map((source) => source.values.get(key)).find((given) => given !== undefined);
}

function textsOf(source: Source): Record<string, string> {
  return Object.fromEntries([...source.values].map(([key, { raw }]) => [key, String(raw)]));
}

/** A file may hold lists, which convict passes on untouched. */
function rawsOf(source: Source): Record<string, Raw> {
  return Object.fromEntries([...source.values].map(([key, { raw }]) => [key, raw]));
}

function impossible(
  declaration: Declaration,
  raw: Raw,
  given: Given | undefined,
  violation: FormatViolation,
): SettingProblem {
  const { format } = declaration;
  const place: Given = given ?? { raw, name: nameOf(declaration), separator: '=', place: ' (default)' };
  const subject =
    format.isSecret === true ? describeGiven(place) : describeGiven(place, format.show ?? String);
  const line = `${subject} ${violation.message}: ${violation.right ?? format.right}`;
  return { code: 'impossible', setting: place.name, line };
}

function missing(declaration: Declaration): SettingProblem {
  const name = nameOf(declaration);
  const separator = declaration.env === undefined ? ' ' : '=';
  const example =
    declaration.example === undefined ? '' : `, as in ${name}${separator}${declaration.example}`;
  return {
    code: 'missing',
    setting: name,
    line: `${name} is missing: ${declaration.format.right}${example}`,
  };
}

function nameOf(declaration: Declaration): string {
  return declaration.env ?? `--${flagOf(declaration)}`;
}
