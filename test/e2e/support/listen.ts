/** A server on a free port of loopback: every test binds its own, so that all can run at once. */
import type { Server } from 'node:net';

/** Listens on a free port of 127.0.0.1 and returns it. `backlog`: connections that may wait to be accepted. */
export async function listen(server: Server, backlog = 511): Promise<number> {
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen({ host: '127.0.0.1', port: 0, backlog }, listening.resolve);
  await listening.promise;
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
