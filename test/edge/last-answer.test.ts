/**
 * The end of a connection behind its last answer: half-closed, and its client listened to, whatever it said before. What a closed
 * socket is sent it answers with a reset, which could erase the answer (RFC 9112 §9.6, RULES "close").
 */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { test } from 'tap';
import type { Test } from 'tap';
import { patienceMs } from '../e2e/support/deadline.ts';
import { dial } from '../e2e/support/wire.ts';
import { until } from '../transport/until.ts';
import { answer, startEdge, takingAll } from './edge.ts';
import type { Asked, Edge } from './edge.ts';

const last = 'GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';
const body = Buffer.from('a short answer');
/** Nobody waits so long here: what is closed is closed by itself, what is not by its client. */
const refusalDrain = { bytes: 64 * 1024, ms: 10 * patienceMs };

/** Answers when the request has been read. */
function start(t: Test, content: Buffer, persist = false, onAnswered = (): void => {}): Promise<Edge> {
  return startEdge(t, {
    limits: { refusalDrain },
    onAsked: (asked: Asked) => {
      const give = (): void => {
        answer(asked, content, persist);
        setImmediate(onAnswered);
      };
      if (asked.client.requestIsRead) setImmediate(give);
      asked.client.listen(takingAll({ onBodyEnd: () => setImmediate(give) }));
    },
  });
}

test('an answer that its client does not take at once is whole all the same', async (t) => {
  const large = Buffer.alloc(16 * 1024 * 1024, 'x');
  const edge = await start(t, large);
  const client = await dial(t, edge);
  client.socket.pause();
  client.write(last);
  await until('an answer under way', () => edge.listener.connectionCount === 1);
  client.socket.resume();
  await client.until('\r\n\r\n');
  t.ok(large.equals(await client.take(large.length)));
  t.equal(await client.left(), 'fin');
});

const listenedTo: readonly (readonly [what: string, request: string])[] = [
  ['has said close', last],
  ['has said nothing of it', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'],
  ['speaks HTTP/1.0', 'GET / HTTP/1.0\r\nHost: h\r\n\r\n'],
  ['has sent more than the request that is its last', `${last}\r\n`],
  [
    'has sent a body, which old ones send a line end behind',
    last.replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 2\r\n\r\nab'),
  ],
];

for (const [what, request] of listenedTo) {
  test(`who ${what} may go on and has its answer`, async (t) => {
    const answered = Promise.withResolvers<void>();
    const edge = await start(t, body, false, answered.resolve);
    const client = await dial(t, edge);
    client.socket.pause();
    client.write(request);
    await answered.promise;
    // When the kernel has taken it, it is there: over loopback nothing is under way.
    await new Promise((resolve) => client.socket.write('more of it', resolve));
    client.socket.resume();
    await client.until(body.toString());
    t.equal(await client.left(), 'fin');
    t.equal(edge.listener.connectionCount, 1);
    client.end();
    await edge.emptied();
  });
}

test('a connection that is over with its first answer is spared the call that others need', async (t) => {
  const calls = t.intercept(Socket.prototype, 'setNoDelay', {
    value: function (this: Socket) {
      return this;
    },
  });
  const edge = await start(t, body, true);
  const clients = [await dial(t, edge), await dial(t, edge)];
  calls();
  const [closing, lasting] = clients;
  if (closing === undefined || lasting === undefined) throw new Error('two clients');
  closing.write(last);
  await closing.until(body.toString());
  t.equal(calls().length, 0);
  lasting.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n');
  await lasting.until(body.toString());
  t.equal(calls().length, 1);
  lasting.write(last);
  await lasting.until(body.toString());
  t.equal(calls().length, 0, 'once a connection');
  await once(lasting.socket, 'end');
});
