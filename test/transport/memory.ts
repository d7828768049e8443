/** What buffers weigh once everything unreachable is gone. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { turns } from './until.ts';

/** Bytes of all living buffers, MiB. */
export async function bufferMib(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no gc');
  for (let i = 0; i < 2; i++) {
    collect();
    // oxlint-disable-next-line no-await-in-loop -- what a finalizer frees is counted a turn later
    await turns(2);
  }
  return process.memoryUsage().arrayBuffers / 2 ** 20;
}
