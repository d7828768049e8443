/**
 * A backend that records the exact bytes of each request head and leaves the answer to the test, byte by byte.
 * A test takes the request for a path, whichever connection it came on, so that scenarios can share one backend
 * and the connections that the agent pools.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Test } from 'tap';
import { patienceMs, within } from './deadline.ts';
import { listen } from './listen.ts';
import { type Head, readHead } from './message.ts';
import { Wire } from './wire.ts';

/** A request whose head has arrived. What follows it is on the wire; `release` waits for the next request there. */
export interface Asked extends Head {
  readonly wire: Wire;
  /** The how-manieth connection of this backend it came on, from 1. */
  readonly connection: number;
  readonly release: () => void;
}

export class Recorder {
  /** A port, or the path of a unix socket. */
  readonly address: number | string;
  readonly #server: Server;
  readonly #wires: Wire[] = [];
  readonly #waiting = new Map<string, PromiseWithResolvers<Asked>[]>();
  readonly #arrived = new Map<string, Asked[]>();

  private constructor(server: Server, address: number | string) {
    this.#server = server;
    this.address = address;
    server.on(isTls(server) ? 'secureConnection' : 'connection', (socket) => {
      const wire = new Wire(socket);
      this.#wires.push(wire);
      void this.#serve(wire, this.#wires.length);
    });
  }

  /** Listens on a free port of 127.0.0.1, or on a unix socket; closed when the test is over. */
  static async listen(t: Test, options: { tls?: TlsOptions; unixPath?: string } = {}): Promise<Recorder> {
    const { tls, unixPath } = options;
    const server =
      tls === undefined
        ? createServer({ allowHalfOpen: true })
        : createTlsServer({ ...tls, allowHalfOpen: true });
    const address = unixPath === undefined ? await listen(server) : await listenUnix(server, unixPath);
    const recorder = new Recorder(server, address);
    t.teardown(() => recorder.close());
    return recorder;
  }

  /** Connections seen so far. */
  get connections(): number {
    return this.#wires.length;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#wires.filter((wire) => !wire.socket.destroyed).length;
  }

  /** The next request whose target is exactly `target`: one that has come already, or the one that will. */
  async take(target: string, withinMs = patienceMs): Promise<Asked> {
    const earlier = this.#arrived.get(target)?.shift();
    if (earlier !== undefined) return earlier;
    const coming = Promise.withResolvers<Asked>();
    listOf(this.#waiting, target).push(coming);
    return within(withinMs, () => `a request for ${target} at the backend`, coming.promise);
  }

  close(): void {
    for (const wire of this.#wires) wire.socket.destroy();
    this.#server.close();
  }

  async #serve(wire: Wire, connection: number): Promise<void> {
    for (;;) {
      const released = Promise.withResolvers<void>();
      try {
        // An idle pooled connection waits here for as long as the whole file runs.
        const head = await readHead(wire, 600_000);
        this.#arrive({ ...head, wire, connection, release: released.resolve });
      } catch {
        // The connection is over: an ordinary end of a pooled one. A request that never came is missed in `take`.
        wire.socket.destroy();
        return;
      }
      await released.promise;
    }
  }

  #arrive(asked: Asked): void {
    const target = asked.startLine.split(' ')[1] ?? '';
    const waiting = this.#waiting.get(target)?.shift();
    if (waiting === undefined) listOf(this.#arrived, target).push(asked);
    else waiting.resolve(asked);
  }
}

async function listenUnix(server: Server, path: string): Promise<string> {
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen({ path }, listening.resolve);
  await listening.promise;
  return path;
}

function isTls(server: Server): boolean {
  return 'addContext' in server;
}

function listOf<T>(map: Map<string, T[]>, key: string): T[] {
  const list = map.get(key) ?? [];
  map.set(key, list);
  return list;
}
