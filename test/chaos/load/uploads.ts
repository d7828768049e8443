/**
 * Uploads that take their time, sized or chunked: the backend answers with the sum of what it has got. One that is broken
 * off must not come to a clean end there either, which the backend counts.
 */
/* oxlint-disable no-await-in-loop -- piece by piece */
import { setTimeout as sleep } from 'node:timers/promises';
import { chunk, lastChunk, type Message, readResponse } from '../../e2e/support/message.ts';
import type { Wire } from '../../e2e/support/wire.ts';
import { bytesOf, sumOf } from '../content.ts';
import { type Outcome, outcomeOf, outcomeOfError } from '../outcome.ts';
import { type Client, connectTo, type Load } from './load.ts';

const pieces = 20;

export const uploads: Load = {
  kind: 'upload',
  workers: 4,
  pauseMs: 300,
  create: (client) => ({ once: () => upload(client), end: () => undefined }),
};

async function upload(client: Client): Promise<void> {
  const { random, target, limitMs, record } = client;
  const body = bytesOf(String(random.next()), 1 + random.below(1_500_000));
  const isChunked = random.below(2) === 0;
  const pauseMs = random.below(150);
  let wire: Wire | undefined;
  try {
    wire = await connectTo(target, limitMs);
    const framing = isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
    const lines = `Host: chaos.test\r\nConnection: close\r\nX-Sum: ${sumOf(body)}\r\n${framing}`;
    wire.write(`PUT /up HTTP/1.1\r\n${lines}\r\n\r\n`);
    const size = Math.ceil(body.length / pieces);
    // An answer may come before the end (a refusal), and a connection may be lost: then there is no more to say.
    for (let at = 0; at < body.length && wire.leaving === undefined && wire.unread.length === 0; at += size) {
      const piece = body.subarray(at, at + size);
      wire.write(isChunked ? chunk(piece) : piece);
      await sleep(pauseMs);
    }
    if (isChunked) wire.write(lastChunk);
    record('upload', outcomeOfUpload(await readResponse(wire, 'PUT', limitMs), body));
  } catch (error) {
    record('upload', outcomeOfError(wire, error));
  } finally {
    wire?.socket.destroy();
  }
}

function outcomeOfUpload(message: Message, body: Buffer): Outcome {
  const outcome = outcomeOf(message, Buffer.from(sumOf(body)));
  const bytes = Number(message.body.toString('latin1').split(' ', 1)[0]);
  return outcome.verdict === 'wrong' && message.status === 200 && bytes < body.length
    ? { verdict: 'short', detail: 'the backend took a part for the whole' }
    : outcome;
}
