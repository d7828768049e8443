/** Two ends of one TCP connection over loopback. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';
import { listen } from '../e2e/support/listen.ts';
import { turns } from './until.ts';

export interface Sockets {
  readonly near: Socket;
  /** Reads nothing until it is resumed. */
  readonly far: Socket;
}

export async function tcpPair(t: Test): Promise<Sockets> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const port = await listen(server);
  const accepted = Promise.withResolvers<Socket>();
  server.once('connection', accepted.resolve);
  const near = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(near, 'connect');
  const far = await accepted.promise;
  for (const socket of [near, far]) socket.on('error', () => {});
  t.teardown(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}

/** Writes until the kernel takes no more: the far end must not read. Returns how many bytes that were. */
export async function stuff(socket: Socket, piece = Buffer.alloc(1024 * 1024)): Promise<number> {
  let bytes = 0;
  for (let idleTurns = 0, before = -1; idleTurns < 20;) {
    if (socket.writableLength === 0) {
      socket.write(piece);
      bytes += piece.length;
    }
    // oxlint-disable-next-line no-await-in-loop -- the kernel takes what it has room for
    await turns(1);
    idleTurns = socket.writableLength > 0 && socket.writableLength === before ? idleTurns + 1 : 0;
    before = socket.writableLength;
  }
  return bytes;
}
