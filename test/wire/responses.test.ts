/**
 * Every response of vectors.json, said by a backend through the real tunnel: whole, byte by byte and cut in two at every
 * offset. The client gets its verdict, never a split, padded or cut answer that looks complete, and the next requests get
 * their own answers.
 */
/* oxlint-disable no-await-in-loop -- so many connections at a time, and no more */
import { t as file, test } from 'tap';
import { Recorder } from '../e2e/support/recorder.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';
import { byteByByte } from '../http1/pieces.ts';
import { Addresses, connectFrom, type Client } from './client.ts';
import { cutsOf, cutsTimeoutMs, offsets } from './cuts.ts';
import { feedInStep, groupsOf } from './feed.ts';
import { Pulse } from './pulse.ts';
import { isUnharmed } from './unharmed.ts';
import { judgeBackend, judgeNext, judgeResponse, type Version } from './response-trial.ts';
import { readVectors, responseOutcome, type Vector } from './vectors.ts';

const vectors = readVectors('response');
const backend = await Recorder.listen(file);
const tunnel = await startTunnel(file, {
  backend: backend.address,
  proxyEnv: { MAX_REQUESTS_PER_CONNECTION: '1000000' },
  // One link, so that what comes after on it has been read after.
  agentEnv: { LINKS: '1' },
});
const pulse = await Pulse.ofBackend(file, tunnel, backend);
const addresses = new Addresses();

interface Trial {
  readonly vector: Vector;
  readonly pieces: readonly Uint8Array[];
  readonly label: string;
  readonly number: number;
}

let trialCount = 0;
function trialsOf(
  cut: (bytes: Uint8Array, number: number) => [label: string, pieces: Uint8Array[]][],
): Trial[] {
  return vectors.flatMap((vector, at) =>
    cut(vector.bytes, at).map(([label, pieces]) => ({ vector, pieces, label, number: (trialCount += 1) })),
  );
}

async function play(trials: readonly Trial[], version: Version = '1.1'): Promise<string[]> {
  const faults: string[] = [];
  for (const group of groupsOf(trials, 64)) {
    const clients = await Promise.all(group.map(() => connectFrom(addresses.next(), tunnel)));
    const asked = await Promise.all(
      group.map(({ vector, number }, at) => {
        const target = `/vector/${number}`;
        clients[at]!.wire.write(requestFor(vector, target, version));
        return backend.take(target);
      }),
    );
    // Whichever socket the next request comes on, it is served, also while a script goes on saying too much there.
    for (const { release } of asked) release();
    await feedInStep(
      group.map(({ pieces }, at) => ({ wire: asked[at]!.wire, pieces })),
      () => pulse.beat(),
    );
    await Promise.all(
      group.map(async (trial, at) => {
        const outcome = responseOutcome(trial.vector);
        if (outcome.needsEnd) asked[at]!.wire.end();
        try {
          const method = methodOf(trial.vector);
          await judgeResponse(clients[at]!.wire, { method, version, outcome });
          await judgeBackend(asked[at]!, outcome);
          await judgeAfter(clients[at]!, trial, version);
        } catch (error) {
          faults.push(`${trial.vector.id} ${trial.label}: ${String(error)}`);
        } finally {
          clients[at]!.wire.socket.destroy();
        }
      }),
    );
  }
  return faults;
}

async function judgeAfter(client: Client, { vector, number }: Trial, version: Version): Promise<void> {
  const { kind } = responseOutcome(vector);
  const persists = version === '1.1' && (kind === 'answered' || kind === 'refused');
  if (persists) await judgeNext(client.wire, `/same/${number}`, backend);
  const another = await connectFrom(addresses.next(), tunnel);
  await judgeNext(another.wire, `/another/${number}`, backend);
  another.wire.socket.destroy();
}

/** A CONNECT never reaches a backend: its two answers are said to a GET. */
function methodOf({ method = 'GET' }: Vector): string {
  return method === 'CONNECT' ? 'GET' : method;
}

function isSwitching({ bytes }: Vector): boolean {
  return bytes.toString('latin1').startsWith('HTTP/1.1 101');
}

function requestFor(vector: Vector, target: string, version: Version): string {
  const upgrade = isSwitching(vector) ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : '';
  return `${methodOf(vector)} ${target} HTTP/${version}\r\nHost: h\r\n${upgrade}\r\n`;
}

test('whole', async (t) => {
  t.equal(vectors.length, 55);
  t.strictSame(await play(trialsOf((bytes) => [['whole', [bytes]]])), []);
});

test('byte by byte, each read by itself', async (t) => {
  t.strictSame(await play(trialsOf((bytes) => [['in bytes', byteByByte(bytes)]])), []);
});

test(`cut in two at ${offsets}`, { timeout: cutsTimeoutMs }, async (t) => {
  const trials = trialsOf(cutsOf);
  t.strictSame(await play(trials), []);
  t.comment(`${trials.length} connections`);
});

test('whole, to HTTP/1.0 clients', async (t) => {
  // Nothing can be upgraded there: a 101 was not asked for.
  const others = trialsOf((bytes) => [['whole to 1.0', [bytes]]]).filter(
    ({ vector }) => !isSwitching(vector),
  );
  t.strictSame(await play(others, '1.0'), []);
});

test('after all of them both programs are as they were', async (t) => isUnharmed(t, tunnel));
