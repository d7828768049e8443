/** Our programs as they are shipped, built for one run: the sources would be measured with Node's type stripper in them. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Workbench } from '../machine/workbench.ts';

export interface BuiltPrograms {
  readonly proxy: string;
  readonly agent: string;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const buildWithinMs = 120_000;

/** Builds on the first call. */
export function builder(bench: Workbench): () => Promise<BuiltPrograms> {
  let built: Promise<BuiltPrograms> | undefined;
  return () => (built ??= build(bench));
}

/** Below node_modules, so that the built programs find their packages and nothing else finds them. */
async function build(bench: Workbench): Promise<BuiltPrograms> {
  const cache = join(root, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'bench-'));
  bench.onClear(() => rmSync(folder, { recursive: true, force: true }));
  await bench.run(process.execPath, [join(root, 'build.ts'), folder], buildWithinMs);
  // It says that the files are modules, and which version they are.
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  return { proxy: join(folder, 'proxy/main.js'), agent: join(folder, 'agent/main.js') };
}
