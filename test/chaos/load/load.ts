/**
 * What all kinds of load have in common: workers that do one exchange after the other until they are told to stop, each
 * exchange with a limit, each outcome counted. An exchange that is under way then is waited for.
 */
/* oxlint-disable no-await-in-loop -- a worker does one thing after the other */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { within } from '../../e2e/support/deadline.ts';
import { type Target, Wire } from '../../e2e/support/wire.ts';
import type { Random } from '../../fuzz/random.ts';
import type { Outcome } from '../outcome.ts';

export interface Client {
  readonly target: Target;
  readonly random: Random;
  /** How long nothing may come of an exchange that waits for something. */
  readonly limitMs: number;
  /** How often a proxy was killed so far. */
  readonly proxyKills: () => number;
  readonly record: (kind: string, outcome: Outcome) => void;
}

export interface Worker {
  /** One exchange, its outcome recorded. */
  once(): Promise<void>;
  /** Lets go of what is kept between exchanges. */
  end(): void;
}

/** What runs at once, of one kind. */
export interface Load {
  readonly kind: string;
  readonly workers: number;
  /** The longest pause between two exchanges of a worker. */
  readonly pauseMs: number;
  create(client: Client): Worker;
}

/** Until `signal`; resolves when the last exchange has its outcome. */
export async function runLoads(
  loads: readonly Load[],
  clientOf: () => Client,
  signal: AbortSignal,
): Promise<void> {
  const running = loads.flatMap((load) =>
    Array.from({ length: load.workers }, () => run(load, clientOf(), signal)),
  );
  await Promise.all(running);
}

async function run(load: Load, client: Client, signal: AbortSignal): Promise<void> {
  const worker = load.create(client);
  while (!signal.aborted) {
    await worker.once();
    await sleep(1 + client.random.below(load.pauseMs));
    // What has come meanwhile (the end of a kept connection, say) is seen before the next request goes out, also where
    // this process was kept waiting: it comes through the balancer, which is another turn or two of the same loop.
    for (let turn = 0; turn < 4; turn += 1) await nextTurn();
  }
  worker.end();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A connection of its own, up. Rejects where there is none. */
export async function connectTo(target: Target, limitMs: number): Promise<Wire> {
  const socket = connect({ host: target.host, port: target.port, allowHalfOpen: true });
  const wire = new Wire(socket);
  const up = Promise.withResolvers<void>();
  socket.once('connect', () => up.resolve());
  socket.once('close', () => up.reject(new Error('no connection')));
  try {
    await within(limitMs, () => 'a connection', up.promise);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return wire;
}
