/** The end of a TCP connection that nothing can take for an orderly one. */
import type { Socket } from 'node:net';

/**
 * Resets the connection: the other end hears RST, whatever was under way. Where all bytes have left and only our FIN is
 * on its way into the kernel, libuv refuses a reset, and node would then never close the socket: it is destroyed, which
 * loses nothing that the other end was owed. Idempotent.
 */
export function resetSocket(tcp: Socket): void {
  if (tcp.destroyed) return;
  const isShuttingDown = tcp.writableEnded && !tcp.writableFinished && tcp.writableLength === 0;
  if (isShuttingDown) tcp.destroy();
  else tcp.resetAndDestroy();
}
