/**
 * `npm run bench:micro`: the protocol cores alone, without sockets, so that a regression is found where it began.
 * A word behind it takes only what has it in its name: `npm run bench:micro -- heads`.
 */
import { Bench } from 'tinybench';
import { addBodies } from './bodies.ts';
import { addFrames } from './frames.ts';
import { addHeads } from './heads.ts';
import { addSessions } from './sessions.ts';
import { Sink } from './sink.ts';

const timeMs = 300;

const [wanted = ''] = process.argv.slice(2);
const bench = new Bench({ time: timeMs, warmupTime: timeMs / 3 });
const sink = new Sink();
for (const add of [addFrames, addSessions, addHeads, addBodies]) add(bench, sink);
for (const { name } of bench.tasks) if (!name.includes(wanted)) bench.remove(name);
await bench.run();

const width = Math.max(...bench.tasks.map(({ name }) => name.length));
let hasFailed = false;
for (const { name, result } of bench.tasks) {
  if (result.state !== 'completed') {
    hasFailed = true;
    process.stdout.write(
      `${name.padEnd(width)}  ${result.state}: ${'error' in result ? String(result.error) : ''}\n`,
    );
    continue;
  }
  const { p50, p99 } = result.latency;
  process.stdout.write(`${name.padEnd(width)}  ${inUs(p50)} µs, p99 ${inUs(p99)} µs\n`);
}
process.exitCode = hasFailed ? 1 : 0;

function inUs(ms: number): string {
  return (ms * 1_000).toFixed(3).padStart(9);
}
