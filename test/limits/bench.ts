/**
 * A tunnel with small limits, a backend whose answers a test gives itself, and an honest client that asks beside
 * whatever else is going on: it must be served, and soon.
 */
/* oxlint-disable no-await-in-loop -- one request after the other */
import { connect } from 'node:net';
import type { Test } from 'tap';
import { readResponse, value } from '../e2e/support/message.ts';
import { Recorder } from '../e2e/support/recorder.ts';
import type { Asked } from '../e2e/support/recorder.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';
import type { Env } from '../e2e/support/tunnel.ts';
import { dial } from '../e2e/support/wire.ts';
import type { Target, Wire } from '../e2e/support/wire.ts';

/** Generous: several programs of several tests share the machine. Alone, it is a few milliseconds. */
const honestMedianMs = 250;
const honestWorstMs = 3_000;

export interface Bench extends Target {
  readonly backend: Recorder;
  readonly tunnel: Awaited<ReturnType<typeof startTunnel>>;
}

export async function startBench(t: Test, proxyEnv: Env, agentEnv: Env = {}): Promise<Bench> {
  const backend = await Recorder.listen(t);
  answerHonest(t, backend);
  const tunnel = await startTunnel(t, { backend: backend.address, proxyEnv, agentEnv });
  return { backend, tunnel, host: tunnel.host, port: tunnel.port };
}

/** A whole answer of the backend, and the connection serves the next request. */
export function reply(asked: Asked, body = 'ok', lines = ''): void {
  asked.wire.write(`HTTP/1.1 200 OK\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`);
  asked.release();
}

/** Does `work` while an honest client asks. Fails where it is not served, or not soon. Gives what `work` gave. */
export async function beside<T>(t: Test, target: Target, work: () => Promise<T>): Promise<T> {
  const honest = new Honest(t, target);
  await honest.ask();
  try {
    return await work();
  } finally {
    await honest.ask();
    const { medianMs, worstMs, count } = await honest.stop();
    t.ok(
      medianMs < honestMedianMs && worstMs < honestWorstMs,
      `an honest client beside it: ${count} answers, median ${medianMs.toFixed(1)} ms, worst ${worstMs.toFixed(1)} ms`,
    );
  }
}

class Honest {
  readonly #t: Test;
  readonly #target: Target;
  readonly #tookMs: number[] = [];
  #wire: Wire | undefined;
  #isStopped = false;
  #asking: Promise<void> | undefined;

  constructor(t: Test, target: Target) {
    this.#t = t;
    this.#target = target;
  }

  /** One request, then one after the other until stop(). Each tenth connection is new. */
  async ask(): Promise<void> {
    await this.#once();
    this.#asking ??= this.#goOn();
  }

  async stop(): Promise<{ medianMs: number; worstMs: number; count: number }> {
    this.#isStopped = true;
    await this.#asking;
    this.#wire?.socket.destroy();
    const sorted = this.#tookMs.toSorted((a, b) => a - b);
    return {
      medianMs: sorted[sorted.length >> 1] ?? Number.NaN,
      worstMs: sorted.at(-1) ?? Number.NaN,
      count: sorted.length,
    };
  }

  async #goOn(): Promise<void> {
    while (!this.#isStopped) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      await this.#once();
    }
  }

  /** Two at once wait for each other: the connection carries one. */
  async #once(): Promise<void> {
    const startedAtMs = performance.now();
    const wire = this.#wire ?? (await dial(this.#t, this.#target));
    this.#wire = undefined;
    wire.write('GET /honest HTTP/1.1\r\nHost: honest.test\r\n\r\n');
    const message = await readResponse(wire);
    if (message.status !== 200) throw new Error(`an honest client was answered ${message.startLine}`);
    this.#tookMs.push(performance.now() - startedAtMs);
    const isLast = value(message, 'connection') === 'close' || this.#tookMs.length % 10 === 0;
    if (isLast || this.#wire !== undefined) wire.socket.destroy();
    else this.#wire = wire;
  }
}

function answerHonest(t: Test, backend: Recorder): void {
  const over = new AbortController();
  const answering = (async (): Promise<void> => {
    while (!over.signal.aborted) reply(await backend.take('/honest', 600_000));
  })();
  t.teardown(async () => {
    over.abort();
    // The last one is ours, so that nobody is left waiting for it.
    const socket = connect({ port: Number(backend.address), host: '127.0.0.1' });
    socket.write('GET /honest HTTP/1.1\r\nHost: a\r\n\r\n');
    await answering;
    socket.destroy();
  });
}
