/**
 * Under which names a set of declarations is known in each source: flags, environment, file. Secrets have a second name
 * with `_FILE` behind it. Knows no values.
 */
import { flagOf } from './declaration.ts';
import type { Declaration, Declarations } from './declaration.ts';
import { nearest } from './nearest.ts';

/** What a name stands for. */
export interface Named {
  readonly key: string;
  readonly declaration: Declaration;
  /** The name says where the value lies, not the value. */
  readonly isFile: boolean;
}

export const configFileFlag = 'config-file';
export const configFileEnv = 'CONFIG_FILE';

export class Names {
  /** Without dashes. */
  readonly flags = new Map<string, Named>();
  readonly env = new Map<string, Named>();
  /** Keys of the file, in the flag's spelling. */
  readonly #fileKeys = new Map<string, Named>();
  /** Names of settings that the same environment and file may hold for somebody else. */
  readonly #others: Names | undefined;

  constructor(declarations: Declarations, others?: Declarations) {
    for (const [key, declaration] of Object.entries(declarations)) {
      this.#add(declaration, { key, declaration, isFile: false });
      if (declaration.format.isSecret === true)
        this.#add(withFile(declaration), { key, declaration, isFile: true });
    }
    this.#others = others === undefined ? undefined : new Names(others);
  }

  #add(declaration: Declaration, named: Named): void {
    const flag = flagOf(declaration);
    if (this.flags.has(flag)) throw new Error(`two settings share the flag --${flag}`);
    this.flags.set(flag, named);
    if (declaration.env === undefined) return;
    this.env.set(declaration.env, named);
    this.#fileKeys.set(foldKey(declaration.env), named);
    if (declaration.alsoEnv !== undefined) this.env.set(declaration.alsoEnv, named);
  }

  /** A key of the file: the environment's name or the flag's, in any case. */
  ofFileKey(key: string): Named | undefined {
    return this.#fileKeys.get(foldKey(key));
  }

  isSomebodyElses(envName: string): boolean {
    return this.#others?.env.has(envName) === true || this.#others?.ofFileKey(envName) !== undefined;
  }

  /** The end of a line about an unknown flag. */
  suggestFlag(flag: string): string {
    return suggestion('--', flag, [...this.flags.keys(), configFileFlag, 'env', 'help', 'version']);
  }

  /** The end of a line about an unknown name behind `-e` or in the file. */
  suggestEnv(name: string): string {
    return suggestion('', name, this.env.keys());
  }
}

function withFile(declaration: Declaration): Declaration {
  const { env, format, doc } = declaration;
  const flag = `${flagOf(declaration)}-file`;
  return env === undefined ? { flag, format, doc } : { env: `${env}_FILE`, flag, format, doc };
}

function foldKey(key: string): string {
  return key.toLowerCase().replaceAll('_', '-');
}

function suggestion(prefix: string, name: string, known: Iterable<string>): string {
  const best = nearest(name, known);
  return best === undefined ? 'see --help' : `did you mean ${prefix}${best}?`;
}
