/** Upgraded connections: one whose client does not take what was said is not kept for ever, and none keeps what read its request. */
import { test } from 'tap';
import type { RawListener } from '../../proxy/exchange.ts';
import { dial } from '../e2e/support/wire.ts';
import { collect } from '../transport/memory.ts';
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

test('an upgraded connection keeps neither the request nor what read it', async (t) => {
  const read: WeakRef<object>[] = [];
  const edge = await startEdge(t, {
    onAsked: ({ client, request }) => {
      read.push(new WeakRef(client), new WeakRef(request));
      client.switchTo((socket, _batch, connection) => {
        socket.write('raw');
        return { ...silent, fromSocket: () => connection.abort() };
      });
    },
  });
  const client = await dial(t, edge);
  client.write(upgrade);
  await client.until('raw');
  await collect();
  t.equal(edge.listener.connectionCount, 1, 'it is open');
  t.same(
    read.map((ref) => ref.deref()),
    [undefined, undefined],
  );
  client.write('it still can be reset');
  t.equal(await client.left(), 'reset');
});
