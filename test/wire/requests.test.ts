/**
 * Every request of vectors.json at the edge of the real proxy, over TCP: whole, byte by byte and cut in two at every
 * offset. Each gets its verdict, and the backend gets what was accepted and nothing of what was refused.
 */
/* oxlint-disable no-await-in-loop -- so many connections at a time, and no more */
import { t as file, test } from 'tap';
import { startTunnel } from '../e2e/support/tunnel.ts';
import { byteByByte } from '../http1/pieces.ts';
import { Addresses, connectFrom, type Client } from './client.ts';
import { cutsOf, cutsTimeoutMs, offsets } from './cuts.ts';
import { feedAtOnce, feedInStep, groupsOf } from './feed.ts';
import { Pulse } from './pulse.ts';
import { faultAtBackend, judgeAnswers } from './request-trial.ts';
import { TaggingBackend } from './tagging-backend.ts';
import { isUnharmed } from './unharmed.ts';
import { readVectors, requestOutcome, type Vector } from './vectors.ts';

const vectors = readVectors('request');
const backend = await TaggingBackend.listen(file);
const tunnel = await startTunnel(file, {
  backend: backend.port,
  proxyEnv: { MAX_REQUESTS_PER_CONNECTION: '1000000' },
});
const pulse = await Pulse.ofProxy(file, tunnel);
const beat = (): Promise<void> => pulse.beat();
const addresses = new Addresses();

interface Trial {
  readonly vector: Vector;
  readonly pieces: readonly Uint8Array[];
  readonly address: string;
  /** How it was cut, for whoever reads a failure. */
  readonly label: string;
}

function trialsOf(
  cut: (bytes: Uint8Array, number: number) => [label: string, pieces: Uint8Array[]][],
): Trial[] {
  return vectors.flatMap((vector, number) =>
    cut(vector.bytes, number).map(([label, pieces]) => ({
      vector,
      pieces,
      label,
      address: addresses.next(),
    })),
  );
}

/** Plays them, so many at a time; gives what went wrong, a line each. */
async function play(trials: readonly Trial[], inStep = true): Promise<string[]> {
  const faults: string[] = [];
  for (const group of groupsOf(trials, 128)) {
    const clients = await Promise.all(group.map(({ address }) => connectFrom(address, tunnel)));
    const feeds = group.map(({ pieces }, at) => ({ wire: clients[at]!.wire, pieces }));
    if (inStep) await feedInStep(feeds, beat);
    else feedAtOnce(feeds);
    faults.push(...(await judge(group, clients)));
  }
  await backend.settled();
  for (const { vector, address, label } of trials) {
    const fault = faultAtBackend(address, requestOutcome(vector), backend);
    if (fault !== undefined) faults.push(`${vector.id} ${label}: ${fault}`);
  }
  return faults;
}

async function judge(group: readonly Trial[], clients: readonly Client[]): Promise<string[]> {
  const faults: string[] = [];
  const judging = group.map(async ({ vector, label }, at) => {
    try {
      await judgeAnswers(clients[at]!, requestOutcome(vector), beat);
    } catch (error) {
      faults.push(`${vector.id} ${label}: ${String(error)}`);
    } finally {
      clients[at]!.wire.socket.destroy();
    }
  });
  await Promise.all(judging);
  return faults;
}

test('whole', async (t) => {
  t.equal(vectors.length, 148);
  t.strictSame(await play(trialsOf((bytes) => [['whole', [bytes]]])), []);
});

test('byte by byte, each read by itself', async (t) => {
  t.strictSame(await play(trialsOf((bytes) => [['in bytes', byteByByte(bytes)]])), []);
});

test('byte by byte, as fast as they go', async (t) => {
  t.strictSame(
    await play(
      trialsOf((bytes) => [['in fast bytes', byteByByte(bytes)]]),
      false,
    ),
    [],
  );
});

test(`cut in two at ${offsets}`, { timeout: cutsTimeoutMs }, async (t) => {
  const trials = trialsOf(cutsOf);
  t.strictSame(await play(trials), []);
  t.comment(`${trials.length} connections`);
});

test('after all of them both programs are as they were', async (t) => isUnharmed(t, tunnel));
