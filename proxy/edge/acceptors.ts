/**
 * The listening sockets of one port. From each of them one connection is accepted a turn of the event loop, and turns are
 * long where a proxy carries much: with one socket alone new clients wait in the kernel, for seconds where hundreds come at
 * once. So there are several, over which the kernel spreads the connections. It knows nothing of what is accepted.
 */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/** Each holds a queue of its own (511) and is one more to be accepted a turn. */
const socketCount = 8;
/** For a connection to this machine. */
const probeTimeoutMs = 1_000;
/** Where new ones come in every turn for so long, a proxy that is to stop stops all the same. */
const quietWithinMs = 1_000;

export interface AcceptorsOwner {
  onConnection(tcp: Socket): void;
  /** One connection could not be accepted; the next may be. */
  onAcceptError(error: NodeJS.ErrnoException): void;
}

export class Acceptors {
  readonly #owner: AcceptorsOwner;
  readonly #servers: Server[] = [];
  #acceptedCount = 0;
  /** Connections that came before whoever listens knew its address; undefined from then on. */
  #early: Socket[] | undefined = [];

  constructor(owner: AcceptorsOwner) {
    this.#owner = owner;
  }

  /**
   * Resolves with the address they listen on, of which port 0 has become a real one. Rejects where it cannot be had.
   * Connections are handed on from the turn after that.
   */
  async listen(host: string, port: number): Promise<AddressInfo> {
    // A port that others may share could be shared with a proxy that runs already. Whether one does is asked as a client
    // asks: a socket that listened to find out would be closed again, and reset whoever came to it meanwhile.
    if (port !== 0 && (await isServed(host, port))) throw inUse(host, port);
    const first = await this.#openFirst(host, port);
    const address = first.server.address();
    if (address === null || typeof address === 'string') throw new Error('a TCP listener has an address');
    this.#servers.push(first.server);
    while (first.isShared && this.#servers.length < socketCount) {
      // oxlint-disable-next-line no-await-in-loop -- eight, at start
      this.#servers.push(await this.#open(host, address.port, true));
    }
    setImmediate(() => this.#handOn());
    return address;
  }

  #handOn(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const tcp of early) {
      tcp.off('error', ignore);
      if (!tcp.destroyed) this.#owner.onConnection(tcp);
    }
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }

  /**
   * The kernel resets what waits to be accepted on a socket that is closed, and the client has done nothing but to connect in
   * time: so the sockets are closed in the first turn that brings nobody. Settles then.
   */
  closeWhenQuiet(): Promise<void> {
    const untilMs = performance.now() + quietWithinMs;
    let knownCount: number | undefined;
    return new Promise((resolve) => {
      // In the check phase, behind all that this turn has accepted.
      const look = (): void => {
        if (knownCount !== this.#acceptedCount && performance.now() < untilMs) {
          knownCount = this.#acceptedCount;
          setImmediate(look);
          return;
        }
        this.close();
        resolve();
      };
      setImmediate(look);
    });
  }

  async #openFirst(host: string, port: number): Promise<{ server: Server; isShared: boolean }> {
    try {
      return { server: await this.#open(host, port, true), isShared: true };
    } catch (error) {
      // Not every system spreads connections; there, one socket has to do.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOTSUP')) throw error;
      return { server: await this.#open(host, port, false), isShared: false };
    }
  }

  #open(host: string, port: number, reusePort: boolean): Promise<Server> {
    const server = createServer({ allowHalfOpen: true }, (tcp) => {
      this.#acceptedCount += 1;
      if (this.#early === undefined) this.#owner.onConnection(tcp);
      else this.#early.push(tcp.on('error', ignore));
    });
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, reusePort }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#owner.onAcceptError(error));
        resolve(server);
      });
    });
  }
}

/** Somebody takes connections there. One that neither takes nor refuses them within a second is somebody, too. */
function isServed(host: string, port: number): Promise<boolean> {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return new Promise((resolve) => {
    const socket = connect({ host: reachable, port });
    const settle = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.setTimeout(probeTimeoutMs, () => settle(true));
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

/** As the system says it of a socket that is not shared. */
function inUse(host: string, port: number): Error {
  const address = `${host}:${String(port)}`;
  return Object.assign(new Error(`listen EADDRINUSE: address already in use ${address}`), {
    code: 'EADDRINUSE',
    syscall: 'listen',
    address: host,
    port,
  });
}

function ignore(): void {
  // It is gone, and is dropped when the others are handed on.
}
