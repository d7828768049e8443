/**
 * Clients that take their answer slowly, or nothing of it, through the programs as they are shipped: who is reset and who is
 * not, what it costs, and that others notice nothing. A backend of its own process is as fast as it can be.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { t as file, test } from 'tap';
import type { Test } from 'tap';
import { within } from '../e2e/support/deadline.ts';
import { Program, says } from '../e2e/support/program.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';

const mib = 2 ** 20;
const backend = Program.start(file, 'test/e2e/support/bulk-backend.ts', { measured: true });
const { port: backendPort } = await backend.line(says('listening'));
const tunnel = await startTunnel(file, {
  backend: Number(backendPort),
  measured: true,
  proxyEnv: { SEND_TIMEOUT: '3s', MIN_SEND_RATE: '500000', KEEP_ALIVE_TIMEOUT: '500ms' },
});

/** A client that has asked for so many bytes and reads nothing until it is resumed. */
function ask(t: Test, bytes: number, isKept = true, name = 'x'): Socket {
  const socket = connect({ host: tunnel.host, port: tunnel.port });
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  socket.pause();
  const close = isKept ? '' : 'Connection: close\r\n';
  socket.write(`GET /down/${name}?bytes=${bytes} HTTP/1.1\r\nHost: h\r\n${close}\r\n`);
  return socket;
}

/** Takes so many bytes a second in steps of a quarter, until it is over or so much time has passed. Gives what it took. */
async function take(socket: Socket, bytesPerSecond: number, ms: number): Promise<number> {
  let taken = 0;
  let allowed = 0;
  socket.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    if (taken >= allowed) socket.pause();
  });
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs && !socket.destroyed) {
    allowed += bytesPerSecond / 4;
    if (taken < allowed) socket.resume();
    await sleep(250);
  }
  return taken;
}

/** A whole answer as fast as it comes; how many bytes, and how long it took. */
async function fast(t: Test, bytes: number): Promise<number> {
  const socket = ask(t, bytes, false);
  const startedAtMs = performance.now();
  let taken = 0;
  socket.on('data', (chunk: Buffer) => {
    taken += chunk.length;
  });
  const ended = new Promise<void>((resolve) => socket.once('end', resolve));
  socket.resume();
  await within(30_000, () => `the end, after ${taken} of ${bytes} bytes`, ended);
  t.ok(taken > bytes, 'all of it');
  return performance.now() - startedAtMs;
}

async function rssBytes(program: Program | undefined): Promise<number> {
  const text = await readFile(`/proc/${program?.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1]) * 1024;
}

/** By how much the proxy's and the agent's memory was at most above what it is now, while `work` was done. */
async function growth(work: () => Promise<unknown>): Promise<number> {
  const programs = [tunnel.proxy, tunnel.agent];
  const before = await Promise.all(programs.map(rssBytes));
  let most = 0;
  const over = new AbortController();
  const watching = (async (): Promise<void> => {
    while (!over.signal.aborted) {
      const now = await Promise.all(programs.map(rssBytes));
      most = Math.max(most, ...now.map((bytes, index) => bytes - (before[index] ?? 0)));
      await sleep(100);
    }
  })();
  await work();
  over.abort();
  await watching;
  return most / mib;
}

test('what the programs need for a fast download they have from now on', async (t) => {
  for (let count = 0; count < 3; count += 1)
    t.comment(`100 MiB in ${(await fast(t, 100 * mib)).toFixed()} ms`);
});

test('a client at 1 MB/s of a fast backend costs no memory', async (t) => {
  const socket = ask(t, 300 * mib);
  let taken = 0;
  const grownMib = await growth(async () => {
    taken = await take(socket, 1_200_000, 8_000);
  });
  t.ok(taken > 4_000_000, `${(taken / mib).toFixed(1)} MiB in 8 s`);
  t.ok(grownMib < 32, `the programs grew by ${grownMib.toFixed(1)} MiB`);
});

test('a client that is slow and above MIN_SEND_RATE is not reset', async (t) => {
  const socket = ask(t, 300 * mib);
  const taken = await take(socket, 6_000_000, 6_000);
  t.notOk(socket.destroyed, `after 6 s and ${(taken / mib).toFixed(1)} MiB`);
});

for (const isKept of [true, false]) {
  test(`a client that takes nothing is reset after SEND_TIMEOUT${isKept ? '' : ', also the last answer of a connection'}`, async (t) => {
    const name = `nothing-of-${isKept}`;
    const socket = ask(t, isKept ? 300 * mib : 8 * mib, isKept, name);
    const startedAtMs = performance.now();
    const told = await tunnel.proxy?.line((line) => line['path'] === `/down/${name}`);
    const tookMs = performance.now() - startedAtMs;
    t.ok(tookMs > 2_900 && tookMs < 8_000, `after ${tookMs.toFixed()} ms`);
    t.equal(told?.['status'], 200);
    t.equal(told?.['abortedBy'], 'client');
    const over = new Promise<string>((resolve) => {
      socket.once('error', () => resolve('reset'));
      socket.once('end', () => resolve('fin'));
    });
    socket.resume();
    t.equal(
      await within(5_000, () => 'the end', over),
      'reset',
      'never an end that could pass for a complete answer',
    );
  });
}

test('ten clients that take nothing hold a window each, and a fast one beside them gets on', async (t) => {
  let tookMs = 0;
  const grownMib = await growth(async () => {
    const sockets = Array.from({ length: 10 }, () => ask(t, 300 * mib));
    await sleep(500);
    tookMs = await fast(t, 100 * mib);
    for (const socket of sockets) socket.destroy();
  });
  t.ok(grownMib < 48, `the programs grew by ${grownMib.toFixed(1)} MiB`);
  t.ok(tookMs < 15_000, `100 MiB in ${tookMs.toFixed()} ms`);
});
