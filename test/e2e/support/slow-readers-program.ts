/**
 * Many clients that ask for much and read almost nothing, through the built programs: how much memory those take, and whether
 * small requests beside them are answered. To be run in a network of its own whose sockets hold little (slow-readers.test.ts):
 * elsewhere the kernel would take megabytes for each. Prints one JSON object. `READERS`, `MEMORY_BUDGET`.
 */
/* oxlint-disable no-await-in-loop -- in batches */
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { adminPortOf, scrape } from '../../admin/support/ask.ts';
import { valueOf } from '../../admin/support/exposition.ts';
import { OwnLife } from './owner.ts';
import { listen } from './listen.ts';
import type { Program } from './program.ts';
import { startTunnel } from './tunnel.ts';

export interface Report {
  /** Before the readers came, in bytes: what the process had in RAM. */
  readonly idle: Readonly<Record<'proxy' | 'agent', number>>;
  readonly peak: Readonly<Record<'proxy' | 'agent', number>>;
  /** By status, and by the code in Proxy-Status: of those within the budget, and of those who came then. */
  readonly readers: Readonly<Record<string, number>>;
  readonly late: Readonly<Record<string, number>>;
  readonly small: Readonly<Record<string, number>>;
  readonly smallWorstMs: number;
  readonly heldAtMost: number;
  /** By the proxy's and the agent's own account, when all was over. */
  readonly reservedAfter: readonly number[];
  readonly refused: number;
  readonly smallAfter: Readonly<Record<string, number>>;
}

const readers = Number(process.env['READERS'] ?? 2_000);
const env = {
  MEMORY_BUDGET: process.env['MEMORY_BUDGET'] ?? '160MiB',
  ADMIN_PORT: '0',
  MAX_CONNECTIONS_PER_ADDRESS: '10000',
  SEND_TIMEOUT: '10m',
  MIN_SEND_RATE: '0',
};
const bodyBytes = 1024 ** 2;
const body = Buffer.alloc(bodyBytes);
const batch = 100;

const life = new OwnLife();
const backend = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.on('data', (request) => {
    const isSmall = request.toString('latin1').startsWith('GET /small');
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${isSmall ? 2 : bodyBytes}\r\n\r\n`);
    socket.write(isSmall ? 'ok' : body);
  });
});
const agentEnv = { MEMORY_BUDGET: env.MEMORY_BUDGET, ADMIN_PORT: '0' };
const tunnel = await startTunnel(life, {
  backend: await listen(backend),
  proxyEnv: env,
  agentEnv,
  measured: true,
});
const programs = [tunnel.proxy, tunnel.agent].filter((program) => program !== undefined);
const ports = await Promise.all(programs.map(adminPortOf));

const waiting: Socket[] = [];

/** Resolves with what the first bytes of the answer say, and reads no more of it. */
function ask(path: string): Promise<string> {
  const answered = Promise.withResolvers<string>();
  const socket = connect({
    host: tunnel.host,
    port: tunnel.port,
    onread: {
      // As much as a refusal has; of the rest nothing.
      buffer: Buffer.alloc(512),
      callback: (count, bytes) => {
        const text = Buffer.from(bytes.subarray(0, count)).toString('latin1');
        const code = /details="(\w+)"/.exec(text)?.[1];
        const after = /^retry-after: \d+/im.test(text) ? ' retry-after' : '';
        answered.resolve(`${text.slice(9, 12)}${code === undefined ? '' : ` ${code}${after}`}`);
        return false;
      },
    },
  });
  socket.on('error', () => answered.resolve('reset'));
  socket.on('close', () => answered.resolve('closed'));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
  waiting.push(socket);
  return answered.promise;
}

async function askMany(path: string, count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let asked = 0; asked < count; asked += batch) {
    const answers = await Promise.all(
      Array.from({ length: Math.min(batch, count - asked) }, () => ask(path)),
    );
    for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  }
  return counts;
}

async function sizes(read: (program: Program) => Promise<number>): Promise<Report['idle']> {
  const [proxy = Number.NaN, agent = Number.NaN] = await Promise.all(programs.map(read));
  return { proxy, agent };
}

function leave(): void {
  for (const socket of waiting.splice(0)) socket.destroy();
}

await askMany('/small', 500);
leave();
const idle = await sizes((program) => program.rssBytes());
const slow = await askMany('/large', readers);
let smallWorstMs = 0;
const small: Record<string, number> = {};
for (let n = 0; n < 50; n += 1) {
  const startMs = performance.now();
  const answer = await ask('/small');
  smallWorstMs = Math.max(smallWorstMs, performance.now() - startMs);
  small[answer] = (small[answer] ?? 0) + 1;
}
const late = await askMany('/large', 600);
const [held = 0] = await numbers('inverting_proxy_held_bytes');
const peak = await sizes((program) => program.peakRssBytes());
leave();
// Until the last of them is over, and no longer than anybody would wait.
const untilMs = performance.now() + 10_000;
let reservedAfter = await reserved();
while (reservedAfter.some((bytes) => bytes > 0) && performance.now() < untilMs)
  reservedAfter = await reserved();
const [refused = 0] = await numbers('inverting_proxy_streams_refused_total');
const smallAfter = await askMany('/small', 100);
leave();
const report: Report = {
  idle,
  peak,
  readers: slow,
  late,
  small,
  smallWorstMs,
  heldAtMost: held,
  reservedAfter,
  refused,
  smallAfter,
};
console.log(JSON.stringify(report));
await life.release();
process.exit(0);

async function reserved(): Promise<number[]> {
  const [proxy = Number.NaN] = await numbers('inverting_proxy_memory_reserved_bytes');
  const agent = valueOf(await scrape(ports[1] ?? 0), 'inverting_agent_memory_reserved_bytes', {});
  return [proxy, agent ?? Number.NaN];
}

async function numbers(name: string): Promise<number[]> {
  const families = await scrape(ports[0] ?? 0);
  return families.get(name)?.series.map(({ value }) => value) ?? [];
}
