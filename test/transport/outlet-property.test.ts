/**
 * Random writes, turns, stalls and ends on an outlet, beside what it should have said: every byte arrives once and in order,
 * what waits is counted, and who waits for room is told of it. PROPERTY_RUNS=2000 runs longer; a failure prints its seed.
 */
/* oxlint-disable no-await-in-loop -- one step after the other */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { type Test, test } from 'tap';
import { Outlet } from '../../shared/transport/outlet.ts';
import { WriteBatch } from '../../shared/transport/write-batch.ts';
import { patienceMs, within } from '../e2e/support/deadline.ts';
import { tcpPair } from './socket-pair.ts';
import { until } from './until.ts';

const numRuns = Number(process.env['PROPERTY_RUNS'] ?? 60);

const size = fc.oneof(
  fc.nat({ max: 40 }),
  fc.nat({ max: 1_200 }),
  fc.nat({ max: 9_000 }),
  fc.nat({ max: 200_000 }),
);
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('write' as const), size, isText: fc.boolean() }) },
  // Straight to the socket, as whoever takes it over does.
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('release' as const), size: fc.nat({ max: 3_000 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'tick' as const }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'turn' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'stall' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'read' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'room' as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
const script = fc.array(step, { minLength: 5, maxLength: 80 });

/** No two places of what is said look alike for long. */
class Words {
  #n = 1;

  next(count: number): Buffer {
    const bytes = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; at += 1) {
      this.#n = (Math.imul(this.#n, 1_103_515_245) + 12_345) | 0;
      bytes[at] = this.#n >>> 16;
    }
    return bytes;
  }
}

class Trial {
  readonly said: Buffer[] = [];
  readonly heard: Buffer[] = [];
  readonly near: Socket;
  readonly far: Socket;
  readonly #outlet: Outlet;
  readonly #words = new Words();

  constructor(near: Socket, far: Socket) {
    this.near = near;
    this.far = far;
    this.#outlet = new Outlet(near, new WriteBatch());
    far.on('data', (piece: Buffer) => this.heard.push(piece));
  }

  async take(current: Step): Promise<void> {
    switch (current.kind) {
      case 'write':
        this.#write(current.size, current.isText);
        return;
      case 'release': {
        this.#outlet.release();
        const bytes = this.#words.next(current.size);
        this.said.push(bytes);
        this.near.write(bytes);
        return;
      }
      case 'tick':
        await new Promise<void>((resolve) => {
          process.nextTick(resolve);
        });
        return;
      case 'turn':
        await turn();
        return;
      case 'stall':
        this.far.pause();
        return;
      case 'read':
        this.far.resume();
        return;
      case 'room':
        this.far.resume();
        while (this.#outlet.isFull) await within(patienceMs, () => 'a drain', once(this.near, 'drain'));
    }
  }

  #write(count: number, isText: boolean): void {
    const bytes = this.#words.next(count);
    this.said.push(bytes);
    const before = this.#outlet.unsentBytes;
    this.#outlet.write(isText ? bytes.toString('latin1') : bytes);
    if (this.#outlet.unsentBytes !== before + count) throw new Error('what waits is miscounted');
  }

  /** To a socket that is gone: nothing of it is kept. */
  mute(count: number): void {
    this.#outlet.write(Buffer.alloc(count));
    this.#outlet.release();
  }

  async end(): Promise<void> {
    this.far.resume();
    const ended = once(this.far, 'end');
    this.#outlet.end();
    await within(patienceMs, () => 'the end', ended);
    if (!Buffer.concat(this.heard).equals(Buffer.concat(this.said)))
      throw new Error('other bytes than were said');
    if (this.#outlet.unsentBytes !== 0 || this.near.writableCorked !== 0)
      throw new Error('something is left');
  }
}

async function trialOf(t: Test): Promise<Trial> {
  const { near, far } = await tcpPair(t);
  return new Trial(near, far);
}

test('whatever is written, and whenever it is taken, arrives once and in order', async (t) => {
  await fc.assert(
    fc.asyncProperty(script, async (steps) => {
      const trial = await trialOf(t);
      for (const current of steps) await trial.take(current);
      await trial.end();
      trial.near.destroy();
      trial.far.destroy();
    }),
    { numRuns },
  );
  t.pass(`${numRuns} scripts`);
});

test('where the socket is destroyed at any time, what had arrived is a beginning of what was said', async (t) => {
  await fc.assert(
    fc.asyncProperty(script, script, async (before, after) => {
      const trial = await trialOf(t);
      for (const current of before) await trial.take(current);
      const closed = once(trial.far, 'close');
      trial.near.destroy();
      trial.far.on('error', () => {}).resume();
      const saidBytes = trial.said.reduce((sum, bytes) => sum + bytes.length, 0);
      for (const { kind, ...current } of after)
        if (kind === 'write' && 'size' in current) trial.mute(current.size);
      trial.far.end();
      await until('its end', () => trial.far.destroyed);
      await closed;
      const heard = Buffer.concat(trial.heard);
      if (!heard.equals(Buffer.concat(trial.said).subarray(0, Math.min(saidBytes, heard.length))))
        throw new Error('other bytes than were said');
    }),
    { numRuns },
  );
  t.pass(`${numRuns} scripts`);
});
