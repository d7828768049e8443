/**
 * The programs as they are shipped: built for one test file, gone with it. What is measured (memory, time) is measured
 * on these, because running the sources keeps Node's type stripper in memory, which no user's process does.
 */
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Owner } from './owner.ts';
import { runUnhooked } from '../../unhooked.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

export interface BuiltPrograms {
  /** Paths below the repository's root, as Program takes them. */
  readonly proxy: string;
  readonly agent: string;
}

/** Below node_modules, so that the built programs find their packages and nothing else finds them. */
export async function buildPrograms(t: Owner): Promise<BuiltPrograms> {
  const cache = join(root, 'node_modules/.cache');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'built-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await runUnhooked(join(root, 'build.ts'), [folder], root);
  // It says that the files are modules, and which version they are.
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'));
  const built = relative(root, folder);
  return { proxy: join(built, 'proxy/main.js'), agent: join(built, 'agent/main.js') };
}
