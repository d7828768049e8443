/**
 * Echo on WebSockets: each sends a frame, waits for it to come back, and sends the next. Prints how many came back and how long
 * they took; ends with 1 where one came back changed or a connection broke.
 * `node websocket-load.ts URL CONNECTIONS PAYLOAD_BYTES SECONDS`
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { frameOf } from './frames.ts';
import { openWebSockets } from './websockets.ts';

const [url = '', connections = '', payloadBytes = '', seconds = ''] = process.argv.slice(2);
const payload = randomBytes(Number(payloadBytes));
const request = frameOf(payload, 'client');
const expected = frameOf(payload, 'server');
const latenciesUs: number[] = [];
let isOver = false;

function play(socket: Socket): void {
  let sentMs = performance.now();
  let held: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes: Buffer) => {
    held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
    if (held.length < expected.length || isOver) return;
    if (!held.equals(expected)) throw new Error('a frame came back changed');
    held = held.subarray(held.length);
    const nowMs = performance.now();
    latenciesUs.push((nowMs - sentMs) * 1_000);
    sentMs = nowMs;
    socket.write(request);
  });
  socket.on('end', () => {
    if (!isOver) throw new Error('a connection ended');
  });
  socket.write(request);
}

const sockets = await openWebSockets(new URL(url), Number(connections));
const startMs = performance.now();
for (const socket of sockets) play(socket);
await setTimeout(Number(seconds) * 1_000);
isOver = true;
const durationUs = (performance.now() - startMs) * 1_000;
for (const socket of sockets) socket.destroy();
latenciesUs.sort((a, b) => a - b);
const quantile = (share: number): number =>
  latenciesUs[Math.min(latenciesUs.length - 1, Math.floor(latenciesUs.length * share))] ?? 0;
const result = { messages: latenciesUs.length, durationUs, p50Us: quantile(0.5), p99Us: quantile(0.99) };
process.stdout.write(`${JSON.stringify(result)}\n`);
