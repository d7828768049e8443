/**
 * How a program declares its settings: plain data, one object a setting, from which TypeScript infers the type of the
 * loaded value. Knows no source and no program.
 */
import type { Format } from './format.ts';

export interface Declaration {
  /** `MAX_HEADER_BYTES`: its name in the environment, behind `-e` and in the file. Without it there is only the flag. */
  readonly env?: string;
  /** A second name in the environment, weaker than `env`, where the world already uses one (`https_proxy`). */
  readonly alsoEnv?: string;
  /** The flag without its dashes, where it is not the `env` name in lower case with dashes. */
  readonly flag?: string;
  readonly format: Format<unknown>;
  /** As a person would write it. */
  readonly default?: string;
  /** Must be given; an error then shows the example. */
  readonly isRequired?: true;
  /** A value as a person would write it. */
  readonly example?: string;
  /** One line for --help: what it is, and what happens when it is not given where that is no plain default. */
  readonly doc: string;
}

export type Declarations = Readonly<Record<string, Declaration>>;

/** The loaded value of one declaration: undefined only where it has no default and need not be given. */
export type SettingValue<D extends Declaration> =
  D['format'] extends Format<infer T>
    ? D extends { default: string } | { isRequired: true }
      ? T
      : T | undefined
    : never;

export type Settings<D extends Declarations> = { readonly [Key in keyof D]: SettingValue<D[Key]> };

/** A rule over several settings; asked only when each of them is fit by itself. */
export interface Check<S> {
  readonly of: readonly (keyof S)[];
  /** The line a person reads, naming the settings and what would be right; undefined when nothing is wrong. */
  readonly wrong: (settings: S) => string | undefined;
}

/** The flag of a setting without its dashes. */
export function flagOf(declaration: Declaration): string {
  const flag = declaration.flag ?? declaration.env?.toLowerCase().replaceAll('_', '-');
  if (flag === undefined) throw new Error('a declaration needs an environment name or a flag');
  return flag;
}
