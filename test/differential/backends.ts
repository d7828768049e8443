/** The backends there are: how each is started, and which are installed here. */
import { fileURLToPath } from 'node:url';
import { Child, portOf, pythonEnv } from './child.ts';
import { findProgram, findPython } from './backends/installed.ts';
import { type BackendName, backendNames } from './options.ts';
import { type BackendRecord, readRecord } from './record.ts';

export interface Backend {
  readonly name: BackendName;
  /** Two letters, in its hosts. */
  readonly code: string;
  readonly port: number;
}

interface Kind {
  readonly code: string;
  readonly file: string;
  /** The program that runs `file`, undefined where something is missing. */
  readonly find: () => Promise<string | undefined>;
}

const node = async (): Promise<string> => process.execPath;
const nodeBeside = async (...names: readonly string[]): Promise<string | undefined> =>
  (await findProgram(...names)) === undefined ? undefined : process.execPath;

const kinds: { readonly [Name in BackendName]: Kind } = {
  node: { code: 'no', file: 'node.ts', find: node },
  'http-parser-js': { code: 'hp', file: 'http-parser-js.ts', find: node },
  nginx: { code: 'ng', file: 'nginx.ts', find: () => nodeBeside('nginx') },
  apache: { code: 'ap', file: 'apache.ts', find: () => nodeBeside('apache2', 'httpd') },
  python: { code: 'py', file: 'python_server.py', find: () => findPython('http.server') },
  h11: { code: 'ha', file: 'h11_server.py', find: () => findPython('h11') },
};

/** Those that were named, or all that are installed. Throws where a named one is not. */
export async function installedBackends(
  wanted: readonly BackendName[] | undefined,
): Promise<readonly BackendName[]> {
  const names = wanted ?? backendNames;
  const programs = await Promise.all(names.map((name) => kinds[name].find()));
  const missing = names.filter((_, index) => programs[index] === undefined);
  if (wanted !== undefined && missing.length > 0)
    throw new Error(`not installed here: ${missing.join(', ')}`);
  return names.filter((name) => !missing.includes(name));
}

/** Adds its process to `children` as soon as there is one. */
export async function startBackend(
  name: BackendName,
  children: Child[],
  onRecord: (name: BackendName, record: BackendRecord) => void,
): Promise<Backend> {
  const { code, file, find } = kinds[name];
  const program = await find();
  if (program === undefined) throw new Error(`${name} is not installed`);
  const path = fileURLToPath(new URL(`backends/${file}`, import.meta.url));
  const child = new Child(name, program, [path], {
    env: pythonEnv,
    hasChildren: name === 'nginx' || name === 'apache',
    onLine: (line) => {
      const record = readRecord(line);
      if (record === undefined) return portOf(line);
      onRecord(name, record);
      return undefined;
    },
  });
  children.push(child);
  return { name, code, port: await child.ready };
}
