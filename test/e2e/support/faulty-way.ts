/**
 * The way between agents and proxy, as it is when it fails without a word: a TCP relay that stops forwarding while it still
 * accepts. It knows nothing of what it carries.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';
import { listen } from './listen.ts';

export interface FaultyWay {
  readonly port: number;
  /** Connections that have come so far. */
  readonly accepted: number;
  /** From now on nothing passes, either way, on connections old and new. */
  halfOpen(): void;
  /** New connections pass again; the old ones stay as dead as they are. */
  heal(): void;
}

export async function listenFaultyWay(t: Test, toPort: number): Promise<FaultyWay> {
  const sockets = new Set<Socket>();
  const passing = new Set<Socket>();
  let isHalfOpen = false;
  let accepted = 0;
  const server = createServer((near) => {
    accepted += 1;
    sockets.add(near);
    near.on('error', () => undefined);
    if (isHalfOpen) return;
    const far = connect({ port: toPort, host: '127.0.0.1' });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      passing.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => void to.write(bytes));
      from.on('error', () => to.destroy());
      from.once('close', () => {
        if (passing.has(from)) to.destroy();
      });
    }
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: await listen(server),
    get accepted() {
      return accepted;
    },
    halfOpen() {
      isHalfOpen = true;
      for (const socket of passing) {
        socket.removeAllListeners('data');
        socket.pause();
      }
      passing.clear();
    },
    heal() {
      isHalfOpen = false;
    },
  };
}
