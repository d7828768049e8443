/** Which packages the programs load, and that they are there where they run: an image holds those of production alone. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../', import.meta.url));

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

interface Compose {
  readonly services: { readonly demo: { readonly build: { readonly target?: string } } };
}

async function production(): Promise<string[]> {
  const manifest: Manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  return Object.keys(manifest.dependencies).toSorted();
}

/** Packages that a source imports; of types alone nobody needs any. */
function packagesOf(source: string): string[] {
  const imports = /^(?:import|export) (?!type )[^;]*? from '([^']+)'|\bimport\('([^']+)'\)/gm;
  return [...source.matchAll(imports)]
    .map(([, from, called]) => from ?? called ?? '')
    .filter((name) => !name.startsWith('.') && !name.startsWith('node:'));
}

test('the programs load packages of production, and all of them', async (t) => {
  const there = await production();
  const unused = new Set(there);
  for (const folder of ['agent', 'proxy', 'shared']) {
    // oxlint-disable no-await-in-loop -- a few hundred short files
    for (const file of await readdir(join(root, folder), { recursive: true })) {
      if (!file.endsWith('.ts')) continue;
      const source = await readFile(join(root, folder, file), 'utf8');
      for (const name of packagesOf(source)) t.ok(there.includes(name), `${folder}/${file} needs ${name}`);
      // Some are required, and some by the path of a part of theirs.
      const text = source.replaceAll(/^import type .*$/gm, '');
      for (const name of unused) {
        if (text.includes(`'${name}'`) || text.includes(`'${name}/`)) unused.delete(name);
      }
    }
    // oxlint-enable no-await-in-loop
  }
  t.strictSame([...unused], [], 'and none is installed for nothing');
});

/** Flags with a number, as Node takes them. */
async function flagsIn(path: string): Promise<string[]> {
  const text = (await readFile(join(root, path), 'utf8')).replace(/^HEALTHCHECK .*$/m, '');
  return [...new Set(text.match(/--[a-z-]+=\d+(?=['" ])/g))].toSorted();
}

test('the flags of the images are those with which the programs are tested, measured and tried', async (t) => {
  const shipped = await flagsIn('Dockerfile.proxy');
  t.ok(shipped.length > 0);
  const paths = [
    'Dockerfile.agent',
    'package.json',
    'test/e2e/support/program.ts',
    'test/demo/start.ts',
    'bench/targets/ours.ts',
  ];
  const found = await Promise.all(paths.map(async (path) => ({ path, flags: await flagsIn(path) })));
  for (const { path, flags } of found) t.strictSame(flags, shipped, path);
});

test('the demo backend has the packages that it loads, where compose runs it', async (t) => {
  const compose: Compose = parse(await readFile(join(root, 'compose.yaml'), 'utf8'), { merge: true });
  const there = await production();
  const needed = packagesOf(await readFile(join(root, 'test/demo/backend.ts'), 'utf8'));
  const missing = needed.filter((name) => !there.includes(name));
  t.ok(
    missing.length === 0 || compose.services.demo.build.target === 'build',
    `an image of production has no ${missing.join(', ')}`,
  );
});
