/**
 * Both images, and what a demo backend runs in, built once for all tests of a run under names of their own, and gone after it with every layer that the
 * build has left. They know nothing of what is in an image.
 */
import type { Test } from 'tap';
import { docker, root, run, uniqueName } from './engine.ts';

export const programs = ['proxy', 'agent'] as const;
export type ProgramName = (typeof programs)[number];
export type Images = Readonly<Record<ProgramName | 'demo', string>>;

/** Two installs from a registry that may be slow today, and the compiler. */
const buildWithinMs = 5 * 60_000;

export async function buildImages(t: Test): Promise<Images> {
  const images = { proxy: uniqueName('proxy'), agent: uniqueName('agent'), demo: uniqueName('demo') };
  const known = new Set((await docker(['image', 'ls', '--all', '--quiet'])).split('\n'));
  const made: string[] = [];
  t.teardown(async () => {
    // One that somebody else's image is built on by now stays, and the others of ours are gone already.
    await run('docker', ['image', 'rm', ...Object.values(images), ...made.toReversed()]);
  });
  const build = async (file: string, ...args: readonly string[]): Promise<void> => {
    const startedAtMs = performance.now();
    const all = ['build', '--force-rm', '--file', file, ...args, root];
    const log = await docker(all, { withinMs: buildWithinMs });
    made.push(...layersOf(log).filter((id) => !known.has(id)));
    t.comment(`${file} ${args.join(' ')} built in ${Math.round(performance.now() - startedAtMs)} ms`);
  };
  // The second takes most of its layers from the first, and the third all.
  for (const program of programs) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await build(`Dockerfile.${program}`, '--tag', images[program]);
  }
  await build('Dockerfile.agent', '--target', 'build', '--tag', images.demo);
  return images;
}

/** The layers that the classic builder names, one a step. */
function layersOf(log: string): string[] {
  return [...log.matchAll(/^ ---> ([0-9a-f]{12})$/gm)].map(([, id]) => id ?? '');
}
