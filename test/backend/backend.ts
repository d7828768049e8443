/**
 * The agent's pool between a real link and a real backend: the test opens streams as the proxy does, and holds the
 * backend's end of every connection.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import type { Test } from 'tap';
import { createBackendDialer, type BackendAddress, type BackendDialer } from '../../agent/backend/connect.ts';
import type { BackendFailure } from '../../agent/backend/connection.ts';
import { BackendPool, type PoolOptions } from '../../agent/backend/pool.ts';
import type { MuxStream } from '../../shared/mux/stream.ts';
import { patienceMs, within } from '../e2e/support/deadline.ts';
import { listen } from '../e2e/support/listen.ts';
import { Wire } from '../e2e/support/wire.ts';
import { Recorder } from '../mux/recorder.ts';
import { linkPair, type LinkPair } from '../transport/links.ts';
import { until } from '../transport/until.ts';

export class Backend {
  /** Its end of each connection, in the order they came. */
  readonly wires: Wire[] = [];
  readonly address: BackendAddress;
  readonly #server: Server;

  private constructor(server: Server, address: BackendAddress) {
    this.#server = server;
    this.address = address;
    server.on(eventOf(server), (socket: Socket) => {
      this.wires.push(new Wire(socket));
    });
  }

  static async listen(
    t: Test,
    options: { tls?: TlsOptions; unixPath?: string; host?: string } = {},
  ): Promise<Backend> {
    const { tls, unixPath, host = '127.0.0.1' } = options;
    const isHalfOpen = { allowHalfOpen: true };
    const server = tls === undefined ? createServer(isHalfOpen) : createTlsServer({ ...tls, ...isHalfOpen });
    server.on('tlsClientError', () => {});
    const backend = new Backend(server, await addressOf(server, tls !== undefined, unixPath, host));
    t.teardown(() => backend.close());
    return backend;
  }

  async wire(number: number): Promise<Wire> {
    await until(`connection ${number} at the backend`, () => this.wires.length >= number);
    const wire = this.wires[number - 1];
    if (wire === undefined) throw new Error('no wire');
    return wire;
  }

  close(): void {
    for (const wire of this.wires) wire.socket.destroy();
    this.#server.close();
  }
}

function eventOf(server: Server): string {
  return 'addContext' in server ? 'secureConnection' : 'connection';
}

async function addressOf(
  server: Server,
  isTls: boolean,
  path: string | undefined,
  host: string,
): Promise<BackendAddress> {
  if (path === undefined) return { kind: isTls ? 'tls' : 'tcp', host, port: await listen(server) };
  const listening = Promise.withResolvers<void>();
  server.listen({ path }, listening.resolve);
  await listening.promise;
  return { kind: 'unix', path };
}

/** One exchange as the proxy holds it: the stream, and what it heard. */
export class Exchange {
  readonly stream: MuxStream;
  readonly user = new Recorder();
  readonly #pieces: Buffer[] = [];

  constructor(link: LinkPair['proxy']['link']) {
    const { user } = this;
    const stream = link.open(user);
    if (stream === undefined) throw new Error('not opened');
    this.stream = stream;
    user.quiet = true;
    const onData = user.onData.bind(user);
    user.onData = (self, bytes) => {
      this.#pieces.push(Buffer.from(bytes));
      onData(self, bytes);
    };
  }

  get heard(): string {
    return Buffer.concat(this.#pieces).toString('latin1');
  }

  say(text: string): void {
    this.stream.write(Buffer.from(text, 'latin1'));
  }

  async hears(text: string): Promise<void> {
    await until(`${JSON.stringify(text)} in ${JSON.stringify(this.heard)}`, () => this.heard.endsWith(text));
  }

  /** `end`, or `reset NAME`: how the agent's side of it went. */
  async ends(): Promise<string> {
    await until('the end of an exchange', () => this.user.events.length > 0);
    return this.user.events.join(', ').replaceAll(` ${this.stream.id}`, '');
  }
}

/** A backend that is never there: its name is looked up for ever. */
export class Nowhere implements BackendDialer {
  readonly sockets: Socket[] = [];
  readonly readyEvent = 'connect';

  connect(): Socket {
    const socket = connect({ host: 'nowhere.invalid', port: 80, lookup: () => {} });
    this.sockets.push(socket);
    return socket;
  }
}

export interface Serving extends LinkPair {
  readonly pool: BackendPool;
  /** `code` or `code: cause` of each failure the pool told of. */
  readonly failures: BackendFailure[];
  exchange(): Exchange;
  /** An exchange that the backend answers and the proxy declares done; resolves when the pool has heard of it. */
  served(backend: Backend, onConnection: number, text?: string): Promise<void>;
}

type Options = Partial<Omit<PoolOptions, 'onFailure'>> & { readonly ca?: string };

export async function serve(
  t: Test,
  address: BackendAddress | BackendDialer,
  options: Options = {},
): Promise<Serving> {
  const pair = await linkPair(t);
  const failures: Serving['failures'] = [];
  const pool = new BackendPool({
    dialer: 'connect' in address ? address : createBackendDialer(address, options.ca),
    connectTimeoutMs: 5_000,
    poolSize: 128,
    idleTimeoutMs: 60_000,
    ...options,
    onFailure: (failure) => failures.push(failure),
  });
  t.teardown(() => pool.close());
  pair.agent.user.react = (event, stream) => event === 'stream' && pool.serve(stream);
  const exchange = (): Exchange => new Exchange(pair.proxy.link);
  const served = async (backend: Backend, onConnection: number, text = 'hello'): Promise<void> => {
    const asked = exchange();
    asked.say(`ask ${text}\n`);
    const wire = await backend.wire(onConnection);
    await wire.until(`ask ${text}\n`);
    wire.write(`answer ${text}\n`);
    await asked.hears(`answer ${text}\n`);
    const { idleCount } = pool;
    asked.stream.reset(1);
    await within(
      patienceMs,
      () => 'the pool to take it back',
      until('idle', () => pool.idleCount !== idleCount),
    );
  };
  return { ...pair, pool, failures, exchange, served };
}
