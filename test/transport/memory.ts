/** What buffers weigh once everything unreachable is gone. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { turns } from './until.ts';

/** Bytes of all living buffers, MiB. */
export async function bufferMib(): Promise<number> {
  await collect();
  return process.memoryUsage().arrayBuffers / 2 ** 20;
}

/** Buffers and all other objects, MiB. */
export async function heapMib(): Promise<number> {
  await collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return (arrayBuffers + heapUsed) / 2 ** 20;
}

/** All that nobody can reach is gone. */
export async function collect(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const gc: unknown = runInNewContext('gc');
  if (typeof gc !== 'function') throw new Error('no gc');
  for (let i = 0; i < 2; i++) {
    gc();
    // oxlint-disable-next-line no-await-in-loop -- what a finalizer frees is counted a turn later
    await turns(2);
  }
}
