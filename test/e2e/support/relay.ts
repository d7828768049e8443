/**
 * What stands between client and backend when the product does not (E2E_DIRECT=1): a TCP relay that changes nothing, to
 * prove that the scenarios pass against a right path. E2E_FAULT breaks it on purpose, to prove that they can fail.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { Owner } from './owner.ts';
import { listen } from './listen.ts';

const faults = {
  /** Every piece waits 100 ms. */
  slow: 'slow',
  /** Bytes wait until 64 KiB or the end have come, as in a proxy that buffers. */
  gather: 'gather',
  /** The last byte of every piece over 1 KiB comes with a bit turned. */
  corrupt: 'corrupt',
  /** A reset becomes a clean end. */
  cleanEnd: 'cleanEnd',
  /** A client's leaving is not passed on. */
  deaf: 'deaf',
} as const;

export type Fault = keyof typeof faults;

/** Listens on a free port in front of `backend`; closed when the test is over. Returns the port. */
export async function listenRelay(t: Owner, backend: number | string): Promise<number> {
  const fault = readFault();
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const behind =
      typeof backend === 'number'
        ? connect({ port: backend, host: '127.0.0.1', allowHalfOpen: true })
        : connect({ path: backend, allowHalfOpen: true });
    for (const socket of [client, behind]) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
    pass(client, behind, fault, fault === 'deaf');
    pass(behind, client, fault, false);
  });
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return listen(server);
}

function readFault(): Fault | undefined {
  const name = process.env['E2E_FAULT'];
  if (name === undefined || name === '') return undefined;
  if (!isFault(name)) throw new Error(`E2E_FAULT is none of ${Object.keys(faults).join(' ')}`);
  return name;
}

function isFault(name: string): name is Fault {
  return name in faults;
}

function pass(from: Socket, to: Socket, fault: Fault | undefined, isDeaf: boolean): void {
  let held: Buffer[] = [];
  const flush = (): void => {
    if (held.length > 0 && to.writable) to.write(Buffer.concat(held));
    held = [];
  };
  from.on('data', (bytes) => {
    if (fault === 'slow') {
      setTimeout(() => to.writable && to.write(bytes), 100);
      return;
    }
    if (fault === 'gather') {
      held.push(bytes);
      if (held.reduce((sum, piece) => sum + piece.length, 0) >= 65_536) flush();
      return;
    }
    if (fault === 'corrupt' && bytes.length > 1024)
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    if (!to.write(bytes)) {
      from.pause();
      to.once('drain', () => from.resume());
    }
  });
  from.on('end', () => {
    if (isDeaf) return;
    flush();
    setTimeout(() => to.end(), fault === 'slow' ? 120 : 0);
  });
  from.on('error', () => {
    if (isDeaf) return;
    if (fault === 'cleanEnd') to.end();
    else to.resetAndDestroy();
  });
}
