/** Who asks and does not read the answer is let go: alone in a file, since the sockets of the whole process are counted. */
/* oxlint-disable no-await-in-loop -- it is looked at until it is so */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { AdminListener } from '../../shared/admin/listener.ts';
import { dial } from '../e2e/support/wire.ts';

/** More than both kernels' buffers take. */
const answer = { status: 200, type: 'text/plain', body: 'x'.repeat(32 * 1024 * 1024) } as const;

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((type) => type === 'TCPSocketWrap').length;
}

test('a client that does not read its answer is destroyed after a while', async (t) => {
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const pages = [{ path: '/large', answer: () => answer }];
  const listener = new AdminListener({ host: '127.0.0.1', port: 0, token: undefined, pages, log });
  const { port } = await listener.listen();
  const before = openSockets();
  const wire = await dial(t, { host: '127.0.0.1', port });
  wire.write('GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await wire.until('HTTP/1.1 200 OK\r\n');
  wire.socket.pause();
  t.equal(openSockets() - before, 2, 'its end and ours');
  const startedMs = performance.now();
  while (openSockets() - before > 1 && performance.now() - startedMs < 20_000) await sleep(50);
  t.equal(openSockets() - before, 1, `ours is gone after ${Math.round(performance.now() - startedMs)} ms`);
  wire.socket.destroy();
  await listener.close();
});
