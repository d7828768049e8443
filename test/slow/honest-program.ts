/**
 * An honest client in a process of its own, so that nothing but the proxy can make it wait: one request after the other on
 * a kept connection and on new ones, until its time is over. Prints one line of JSON. argv: port, milliseconds.
 */
/* oxlint-disable no-await-in-loop -- one request after the other */
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** About a hundred requests a second: enough for a 99th percentile, and no load of its own. */
const pauseMs = 5;

const [port, lengthMs] = process.argv.slice(2).map(Number);
const kept = new Agent({ keepAlive: true, maxSockets: 1 });

async function ask(agent: Agent | false): Promise<number> {
  const startedAtMs = performance.now();
  const over = Promise.withResolvers<void>();
  const asking = request({ host: '127.0.0.1', port, path: '/honest', agent }, (response) => {
    if (response.statusCode !== 200) over.reject(new Error(`status ${response.statusCode}`));
    response.resume();
    response.once('end', over.resolve);
    response.once('error', over.reject);
  });
  asking.once('error', over.reject);
  asking.end();
  await over.promise;
  return performance.now() - startedAtMs;
}

const tookMs: number[] = [];
const failures: string[] = [];
const untilMs = performance.now() + (lengthMs ?? 0);
for (let count = 0; performance.now() < untilMs; count += 1) {
  try {
    tookMs.push(await ask(count % 2 === 0 ? kept : false));
  } catch (error) {
    failures.push(String(error));
  }
  await sleep(pauseMs);
}
kept.destroy();
tookMs.sort((a, b) => a - b);
const percentile = (part: number): number | undefined =>
  tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * part))];
console.log(
  JSON.stringify({
    msg: 'served',
    count: tookMs.length,
    p50: percentile(0.5),
    p99: percentile(0.99),
    max: tookMs.at(-1),
    failures,
  }),
);
