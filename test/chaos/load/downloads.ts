/**
 * Downloads that take their time: sized, chunked, and by a client of HTTP/1.0, whose answer ends with its connection, so
 * that only a reset can say that it was cut.
 */
import { readResponse } from '../../e2e/support/message.ts';
import type { Wire } from '../../e2e/support/wire.ts';
import { bytesOf } from '../content.ts';
import { type Outcome, outcomeOf, outcomeOfError } from '../outcome.ts';
import { type Client, connectTo, type Load } from './load.ts';

export const downloads: Load = {
  kind: 'download',
  workers: 6,
  pauseMs: 300,
  create: (client) => ({ once: () => download(client), end: () => undefined }),
};

/**
 * Of a program that is killed the kernel closes the connections, in order: where only a reset could tell that an answer was
 * cut (HTTP/1.0), nobody is left to send it.
 */
const closedByKernel: Outcome = {
  verdict: 'broken',
  detail: 'the proxy was killed in an answer that ends with its connection',
};

async function download({ random, target, limitMs, proxyKills, record }: Client): Promise<void> {
  const seed = String(random.next());
  const bytes = 1 + random.below(1_500_000);
  const tookMs = random.below(4_000);
  const version = random.pick(['1.1', '1.1', '1.0']);
  const framing = random.pick(['', '&chunked']);
  const killsBefore = proxyKills();
  let wire: Wire | undefined;
  try {
    wire = await connectTo(target, limitMs);
    const query = `seed=${seed}&bytes=${bytes}&ms=${tookMs}${framing}`;
    wire.write(`GET /down?${query} HTTP/${version}\r\nHost: chaos.test\r\nConnection: close\r\n\r\n`);
    // The limit is for the whole here: it comes on top of what the backend takes.
    const message = await readResponse(wire, 'GET', limitMs + tookMs);
    const outcome = outcomeOf(message, bytesOf(seed, bytes));
    const isOfKilled = message.framing === 'close' && proxyKills() > killsBefore;
    record('download', outcome.verdict === 'short' && isOfKilled ? closedByKernel : outcome);
  } catch (error) {
    record('download', outcomeOfError(wire, error));
  } finally {
    wire?.socket.destroy();
  }
}
