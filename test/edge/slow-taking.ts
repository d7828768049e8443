/** A client that takes an answer in steps, with a pause behind each. */
import type { Socket } from 'node:net';
import { within } from '../e2e/support/deadline.ts';

/** Takes so many bytes, then nothing for so long, and so on. Gives how many came before there were enough or it was reset. */
export async function takeInSteps(
  socket: Socket,
  stepBytes: number,
  pauseMs: number,
  enough: number,
): Promise<number> {
  let taken = 0;
  let paused = false;
  const over = Promise.withResolvers<number>();
  socket.on('data', (chunk: Buffer) => {
    const steps = Math.floor(taken / stepBytes);
    taken += chunk.length;
    if (taken >= enough) over.resolve(taken);
    if (paused || Math.floor(taken / stepBytes) === steps) return;
    paused = true;
    socket.pause();
    setTimeout(() => {
      paused = false;
      socket.resume();
    }, pauseMs);
  });
  socket.once('close', () => over.resolve(taken));
  socket.resume();
  return within(10_000, () => `${enough} bytes, after ${taken}`, over.promise);
}
