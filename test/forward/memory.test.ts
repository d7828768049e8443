/** What forwarding takes of the memory budget beside its streams: bodies of requests, and requests that wait. */
import { test } from 'tap';
import type { Exchange } from '../../proxy/exchange.ts';
import { heldOfBody } from '../../proxy/forward/request.ts';
import { WaitingRoom } from '../../proxy/forward/waiting-room.ts';
import { CHUNKED, NO_BODY } from '../../shared/http1/framing.ts';
import { MemoryBudget } from '../../shared/mux/memory-budget.ts';
import { ask } from '../access/support/visit.ts';

const most = 192 * 1024;

test('a body takes its length, and what is read at most of one that is longer, or of unknown length', (t) => {
  const rows = [
    [NO_BODY, 0],
    [{ kind: 'sized', length: 0 }, 0],
    [{ kind: 'sized', length: 700 }, 700],
    [{ kind: 'sized', length: 1e12 }, most],
    [CHUNKED, most],
  ] as const;
  for (const [framing, bytes] of rows) t.equal(heldOfBody(framing), bytes, JSON.stringify(framing));
  t.end();
});

test('a request that waits takes of the budget what is held of it, gives it back, and is refused where there is none', async (t) => {
  const memory = new MemoryBudget(1_500);
  const room = new WaitingRoom({ maxRequests: 10, maxBytes: 1e6, memory });
  let isServed = false;
  const waits = (): ReturnType<WaitingRoom['wait']> => room.wait(holding(1_000), Infinity, () => isServed);
  const first = waits();
  t.equal(memory.reservedBytes, 1_000);
  t.equal(await waits(), 'full');
  t.equal(memory.reservedBytes, 1_000);
  isServed = true;
  room.review();
  t.equal(await first, 'ready');
  t.equal(memory.reservedBytes, 0);
});

function holding(heldBytes: number): Exchange {
  const { exchange } = ask({});
  return { ...exchange, client: Object.assign(exchange.client, { heldBytes }) };
}
