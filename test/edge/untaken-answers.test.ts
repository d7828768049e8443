/** An answer that is complete and that its client has not taken is counted in the memory budget, until it has left. */
import { connect } from 'node:net';
import { test } from 'tap';
import { MemoryBudget } from '../../shared/mux/memory-budget.ts';
import { until } from '../transport/until.ts';
import { answer, startEdge } from './edge.ts';

const large = Buffer.alloc(24 * 1024 * 1024, 'x');

for (const persist of [true, false]) {
  const ends = ['it takes all', 'it leaves'] as const;
  for (const how of ends) {
    test(`counted while it waits, not when ${how} (${persist ? 'the connection goes on' : 'the last answer'})`, async (t) => {
      const memory = new MemoryBudget(1e9);
      let answered = 0;
      const edge = await startEdge(t, {
        options: { memory },
        onAsked: (asked) => {
          answer(asked, answered === 0 ? large : Buffer.from('ok'), persist);
          answered += 1;
        },
      });
      const client = connect({ host: edge.host, port: edge.port });
      t.teardown(() => client.destroy());
      client.on('error', () => {});
      client.pause();
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await until('it is counted', () => memory.reservedBytes > 0);
      t.ok(memory.reservedBytes <= large.length + 1_000, `${memory.reservedBytes} bytes`);
      if (how === 'it leaves') client.destroy();
      else client.resume();
      await until('nothing is counted', () => memory.reservedBytes === 0);
      if (how === 'it leaves' || !persist) return;
      client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await until('the next one', () => answered === 2);
      t.equal(memory.reservedBytes, 0, 'a small one is never counted');
    });
  }
}
