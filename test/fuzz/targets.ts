/** The targets by name. */
import type { Target } from './target.ts';
import { body } from './targets/body.ts';
import { control } from './targets/control.ts';
import { head } from './targets/head.ts';
import { mux } from './targets/mux.ts';
import { plantedError, plantedLoop } from './targets/planted.ts';

export const targets: readonly Target[] = [mux, head, body, control];

/** Throws an error that names those there are. */
export function targetOf(name: string): Target {
  const found = [...targets, plantedError, plantedLoop].find((target) => target.name === name);
  if (found === undefined) {
    throw new Error(
      `there is no target ${name}: take one of ${[...targets.map((target) => target.name), 'armed'].join(', ')}`,
    );
  }
  return found;
}
