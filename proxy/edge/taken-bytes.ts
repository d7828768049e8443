/**
 * How much of what a TCP socket was given the kernel has taken. Node counts it for its own time-outs, and shows it
 * nowhere: `bytesWritten` is what was given, 'drain' comes when all of it is gone.
 */
import type { Socket } from 'node:net';

/** Only ever more; TLS is counted as it goes over the wire. Undefined: the socket is closed, or node counts no longer. */
export function takenBytes(tcp: Socket): number | undefined {
  const handle: unknown = Reflect.get(tcp, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const given: unknown = Reflect.get(handle, 'bytesWritten');
  const waiting: unknown = Reflect.get(handle, 'writeQueueSize');
  return typeof given === 'number' && typeof waiting === 'number' ? given - waiting : undefined;
}
