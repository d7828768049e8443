/**
 * A backend that closes idle connections early, as many do: requests that may not be sent twice are not lost to it,
 * though they come at the very moment at which it closes.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { t as file, test } from 'tap';
import { listen } from './support/listen.ts';
import { readResponse } from './support/message.ts';
import { startTunnel } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const idleMs = 100;
const clients = 25;
const requests = 40;

let closings = 0;
const closedOnce = Promise.withResolvers<void>();
let served = 0;

/** Answers each POST at once, and closes 100 ms after its last answer. */
const backend = createServer((socket: Socket) => {
  let timer: NodeJS.Timeout | undefined;
  let pending = '';
  socket.on('error', () => socket.destroy());
  socket.on('close', () => clearTimeout(timer));
  socket.on('data', (bytes) => {
    pending += bytes.toString('latin1');
    if (!pending.endsWith('\r\n\r\nhi')) return;
    pending = '';
    served += 1;
    clearTimeout(timer);
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    timer = setTimeout(() => {
      closings += 1;
      closedOnce.resolve();
      // Everything at once, as a server that is done with a connection does it.
      socket.destroy();
    }, idleMs);
  });
});
const port = await listen(backend);
file.teardown(() => backend.close());

test(`${clients * requests} POSTs at the edge of the backend's patience: none is lost, none is doubled`, async (t) => {
  const tunnel = await startTunnel(t, { backend: port });
  const failures: number[] = [];
  // The agent is to have seen once how patient the backend is.
  const first = await dial(t, tunnel);
  first.write('POST /first HTTP/1.1\r\nHost: idle.test\r\nContent-Length: 2\r\n\r\nhi');
  await readResponse(first);
  await closedOnce.promise;
  await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      const client = await dial(t, tunnel);
      for (let round = 0; round < requests; round += 1) {
        client.write('POST /at-the-edge HTTP/1.1\r\nHost: idle.test\r\nContent-Length: 2\r\n\r\nhi');
        const { status } = await readResponse(client);
        if (status !== 200) failures.push(status);
        // The pauses are what is tested: all around the moment of the close.
        await sleep(idleMs - 6 + ((index + round) % 13));
      }
    }),
  );
  t.strictSame(failures, []);
  t.equal(served, 1 + clients * requests);
  t.comment(`the backend closed ${closings} connections`);
  t.ok(closings > 10, 'it did close connections meanwhile');
});
