/** Event streams: every event is numbered, the last one says so, and each has to come in its turn. */
/* oxlint-disable no-await-in-loop -- event by event */
import { ChunkedBody, readHead, status, value } from '../../e2e/support/message.ts';
import type { Wire } from '../../e2e/support/wire.ts';
import { eventOf, lastEvent } from '../content.ts';
import { type Outcome, outcomeOfError, outcomeOfStatus, right } from '../outcome.ts';
import { type Client, connectTo, type Load } from './load.ts';

export const eventStreams: Load = {
  kind: 'events',
  workers: 6,
  pauseMs: 300,
  create: (client) => ({ once: () => follow(client), end: () => undefined }),
};

async function follow({ random, target, limitMs, record }: Client): Promise<void> {
  const count = 1 + random.below(60);
  let wire: Wire | undefined;
  try {
    wire = await connectTo(target, limitMs);
    wire.write(`GET /events?count=${count}&ms=${random.below(80)} HTTP/1.1\r\nHost: chaos.test\r\n\r\n`);
    record('events', await read(wire, count, limitMs));
  } catch (error) {
    record('events', outcomeOfError(wire, error));
  } finally {
    wire?.socket.destroy();
  }
}

async function read(wire: Wire, count: number, limitMs: number): Promise<Outcome> {
  const head = await readHead(wire, limitMs);
  const code = status(head);
  if (code !== 200) return outcomeOfStatus(code, value(head, 'proxy-status'));
  const body = new ChunkedBody(wire);
  for (let number = 1; number <= count; number += 1) {
    const event = eventOf(number);
    let came: Buffer;
    try {
      came = await body.take(event.length, limitMs);
    } catch (error) {
      // Its last chunk was there, and nothing is wrong with the connection: to a client that was all.
      if (body.hasEnded) return { verdict: 'short', detail: 'a stream that ends in order before its end' };
      throw error;
    }
    if (came.toString('latin1') !== event) return { verdict: 'wrong', detail: 'another event' };
  }
  const { bytes } = await body.rest(limitMs);
  return bytes.toString('latin1') === lastEvent
    ? right
    : { verdict: bytes.length < lastEvent.length ? 'short' : 'wrong', detail: 'another end' };
}
