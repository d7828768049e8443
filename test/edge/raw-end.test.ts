/** An upgraded connection whose bytes have all been said, and a client that does not take them: it is not kept for ever. */
import { test } from 'tap';
import type { RawListener } from '../../proxy/exchange.ts';
import { dial } from '../e2e/support/wire.ts';
import { startEdge } from './edge.ts';

const silent: RawListener = { fromSocket() {}, socketDrained() {}, socketEnded() {}, socketGone() {} };
const upgrade = 'GET / HTTP/1.1\r\nHost: raw.test\r\nConnection: Upgrade\r\nUpgrade: bytes\r\n\r\n';
/** More than the kernels of both ends hold. */
const megabytes = Buffer.alloc(64 * 1024 * 1024);

for (const hasEnded of [true, false]) {
  test(`a client that takes nothing, ${hasEnded ? 'and it is over' : 'and it goes on'}`, async (t) => {
    const edge = await startEdge(t, {
      limits: { sendTimeoutMs: 300, minSendBytesPerSecond: 0 },
      onAsked: ({ client }) =>
        client.switchTo((socket) => {
          socket.write(megabytes);
          if (hasEnded) socket.end();
          return silent;
        }),
    });
    const client = await dial(t, edge);
    client.socket.pause();
    client.write(upgrade);
    if (hasEnded) {
      await edge.emptied();
      client.socket.resume();
      t.equal(await client.left(), 'reset', 'what was cut does not look whole');
      return;
    }
    // Upgraded, it may stall for as long as it likes: longer than what resets the other.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    t.equal(edge.listener.connectionCount, 1);
    client.socket.resume();
    await client.take(megabytes.length);
  });
}
