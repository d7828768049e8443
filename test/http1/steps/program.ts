/**
 * Measures work in steps, which no other process disturbs: how often V8 says that each block of the code under `shared/` was
 * executed, and the bytes that the engine's own functions went through meanwhile. A program of its own, since both count for the
 * whole process: it prints one JSON line a measurement.
 */
import { Session } from 'node:inspector';
import { NativeCounter } from './natives.ts';

export interface Measurement {
  readonly name: string;
  readonly bytes: number;
  /** The size of the pieces it came in. */
  readonly pieceBytes: number;
  readonly steps: number;
  readonly outcome: string;
}

/** The code that is measured; what feeds it is not. */
const MEASURED = /\/shared\/(?:http1|mux|protocol)\/|\/steps\/square\.ts$/;

const session = new Session();
session.connect();

/** The executions of all blocks since it was asked last. The session is of this thread, and answers before `post` returns. */
function takeBlocks(): number {
  let blocks = 0;
  session.post('Profiler.takePreciseCoverage', (error, { result }) => {
    if (error !== null) throw error;
    for (const { functions, url } of result) {
      if (!MEASURED.test(url)) continue;
      for (const { ranges } of functions) for (const { count } of ranges) blocks += count;
    }
  });
  return blocks;
}

session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
const natives = new NativeCounter();
natives.install();
// Loaded only now: a block is counted in code that was compiled with counters.
const { links } = await import('./links.ts');
const { messages } = await import('./messages.ts');

for (const { name, make, sizes, isWhole = false } of [...messages, ...links]) {
  for (const size of sizes) {
    for (const pieceBytes of isWhole ? [Infinity] : [Infinity, 1]) {
      const { bytes, feed } = make(size);
      const pieces: Uint8Array[] = [];
      if (pieceBytes === Infinity) pieces.push(bytes);
      else for (let at = 0; at < bytes.length; at++) pieces.push(bytes.subarray(at, at + 1));
      takeBlocks();
      natives.steps = 0;
      const outcome = feed(pieces);
      const nativeSteps = natives.steps;
      const measurement: Measurement = {
        name,
        bytes: bytes.length,
        pieceBytes: Math.min(pieceBytes, bytes.length),
        steps: takeBlocks() + nativeSteps,
        outcome,
      };
      process.stdout.write(`${JSON.stringify(measurement)}\n`);
    }
  }
}
