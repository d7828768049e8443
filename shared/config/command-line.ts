/**
 * Reads the command line: flags (`--port 80`, `--port=80`, bare booleans) and `-e NAME=VALUE`, which Docker users write
 * behind the image name and which counts as environment. Whatever it does not know is a problem, said by name.
 */
import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';
import { configFileEnv, configFileFlag } from './names.ts';
import type { Names } from './names.ts';
import { createSource, give } from './given.ts';
import type { Given, Source } from './given.ts';
import type { SettingProblem } from './setting-error.ts';

export interface CommandLine {
  readonly flags: Source;
  readonly env: Source;
  /** From `--config-file`, or from `-e CONFIG_FILE=…`. */
  readonly configFile: Given | undefined;
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

export function readCommandLine(
  argv: readonly string[],
  names: Names,
  problems: SettingProblem[],
): CommandLine {
  const { tokens } = parseArgs({ args: [...argv], options: optionsOf(names), strict: false, tokens: true });
  const reading = new Reading(names, problems);
  let isAfterUnknown = false;
  let groupIndex = -1;
  for (const token of tokens) {
    if (token.kind === 'option') {
      // `-port` comes as four short flags of one argument; it is one mistake.
      if (token.index === groupIndex) continue;
      groupIndex = token.index;
      isAfterUnknown = !reading.option(token, argv[token.index] ?? '') && token.inlineValue !== true;
    } else if (token.kind === 'positional') {
      // What follows an unknown flag was meant as its value: the flag is the problem, said once.
      if (!isAfterUnknown) reading.stray(token.value);
      isAfterUnknown = false;
    }
  }
  return reading;
}

function optionsOf(names: Names): NonNullable<ParseArgsConfig['options']> {
  const options: NonNullable<ParseArgsConfig['options']> = {
    env: { type: 'string', short: 'e' },
    [configFileFlag]: { type: 'string' },
  };
  for (const [flag, { declaration, isFile }] of names.flags) {
    options[flag] = { type: declaration.format.isBare === true && !isFile ? 'boolean' : 'string' };
  }
  return options;
}

class Reading implements CommandLine {
  readonly flags = createSource();
  readonly env = createSource();
  readonly #names: Names;
  readonly #problems: SettingProblem[];
  #configFlag: Given | undefined;
  #configEnv: Given | undefined;

  constructor(names: Names, problems: SettingProblem[]) {
    this.#names = names;
    this.#problems = problems;
  }

  get configFile(): Given | undefined {
    return this.#configFlag ?? this.#configEnv;
  }

  /** False for a flag it does not know; `argument` is how it was written. */
  option(token: OptionToken, argument: string): boolean {
    const named = this.#names.flags.get(token.name);
    const isKnown = named !== undefined || token.name === 'env' || token.name === configFileFlag;
    if (!isKnown) {
      const written = argument.split('=', 1)[0] ?? '';
      this.#problem('unknown', written, `is not a setting: ${this.#names.suggestFlag(written)}`);
      return false;
    }
    const value = this.#valueOf(token, named?.declaration.format.isBare === true);
    if (value === undefined) return true;
    if (token.name === 'env') this.#assignment(token.rawName, value);
    else if (named === undefined)
      this.#configFlag = { raw: value, name: token.rawName, separator: '=', place: '' };
    else this.#flag(token.rawName, named.key, value);
    return true;
  }

  stray(value: string): void {
    this.#problem(
      'unknown',
      JSON.stringify(value),
      'is neither a flag nor behind -e: write --NAME VALUE or -e NAME=VALUE',
    );
  }

  #valueOf(token: OptionToken, isBare: boolean): string | undefined {
    if (token.value === undefined && isBare) return 'true';
    // A value that looks like a flag is one that was forgotten; `--name=-value` says it where it is meant.
    const isForgotten = token.inlineValue !== true && token.value !== undefined && /^-./.test(token.value);
    if (token.value !== undefined && token.value !== '' && !isForgotten) return token.value;
    const right = token.name === 'env' ? `${token.rawName} NAME=VALUE` : `${token.rawName} VALUE`;
    this.#problem('missing', token.rawName, `has no value: write ${right}`);
    return undefined;
  }

  #flag(rawName: string, key: string, value: string): void {
    const named = this.#names.flags.get(rawName.slice(2));
    if (named === undefined) throw new Error('a flag without a name');
    const before = this.flags.values.get(key);
    if (named.declaration.format.isList === true && before !== undefined) {
      this.flags.values.set(key, { ...before, raw: `${String(before.raw)},${value}` });
      return;
    }
    give(this.flags, named, { raw: value, name: rawName, separator: '=', place: '' }, this.#problems);
  }

  #assignment(rawName: string, assignment: string): void {
    const equals = assignment.indexOf('=');
    const name = equals < 0 ? assignment : assignment.slice(0, equals);
    const written = `${rawName} ${name}`;
    const given: Given = { raw: assignment.slice(equals + 1), name: written, separator: '=', place: '' };
    const named = this.#names.env.get(name);
    if (named === undefined && name !== configFileEnv) {
      if (this.#names.isSomebodyElses(name)) return;
      this.#problem('unknown', written, `is not a setting: ${this.#names.suggestEnv(name)}`);
    } else if (equals < 0) this.#problem('missing', written, `has no value: write ${rawName} ${name}=VALUE`);
    else if (named === undefined) this.#configEnv = given;
    else give(this.env, named, given, this.#problems);
  }

  #problem(code: SettingProblem['code'], setting: string, rest: string): void {
    this.#problems.push({ code, setting, line: `${setting} ${rest}` });
  }
}
