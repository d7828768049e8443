/** Sources made of data: no file system, no process. */
import { SettingError } from '../../shared/config/setting-error.ts';
import type { Sources } from '../../shared/config/load.ts';

export interface Given {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly files?: Readonly<Record<string, string>>;
}

/** A file that is not among `files` is said not to exist, as node:fs says it. */
export function sourcesOf({ argv = [], env = {}, files = {} }: Given): Sources {
  return {
    argv,
    env,
    readFile: (path) => {
      const text = Object.hasOwn(files, path) ? files[path] : undefined;
      if (text === undefined) throw Object.assign(new Error(`no such file ${path}`), { code: 'ENOENT' });
      return text;
    },
  };
}

/** The lines a person reads, or none. */
export function linesOf(load: () => unknown): readonly string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    return error.message.split('\n');
  }
}
