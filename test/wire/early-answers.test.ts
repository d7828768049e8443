/**
 * Answers that come before the request is all there (RFC 9110 §9.3.3, §15.5.14): the client reads them whole, also while
 * it is still sending, and nothing that follows on its connection is a request.
 */
import { t as file, test, type Test } from 'tap';
import { readResponse, value } from '../e2e/support/message.ts';
import { Recorder, type Asked } from '../e2e/support/recorder.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';
import { dial, type Wire } from '../e2e/support/wire.ts';

const backend = await Recorder.listen(file);
const tunnel = await startTunnel(file, {
  backend: backend.address,
  proxyEnv: { EARLY_ANSWER_DRAIN_TIMEOUT: '1s' },
});

const length = 8 * 1024 * 1024;
const framings = {
  sized: `Content-Length: ${length}`,
  chunked: 'Transfer-Encoding: chunked',
} as const;

async function upload(t: Test, target: string, framing: string): Promise<{ client: Wire; asked: Asked }> {
  const client = await dial(t, tunnel);
  client.write(`POST ${target} HTTP/1.1\r\nHost: h\r\n${framing}\r\n\r\n`);
  const asked = await backend.take(target);
  return { client, asked };
}

/** More than anybody takes who does not want it. */
function sendOn(client: Wire, framing: string): void {
  const piece = Buffer.alloc(64 * 1024, 'x');
  for (let sent = 0; sent < length; sent += piece.length) {
    if (framing === framings.chunked) client.write('10000\r\n');
    client.write(piece);
    if (framing === framings.chunked) client.write('\r\n');
  }
}

for (const [what, framing] of Object.entries(framings)) {
  for (const [size, body] of [
    ['a short', 'too much'],
    ['a long', 'too much '.repeat(50_000)],
  ] as const) {
    test(`${size} answer is read whole by a client that goes on with its ${what} upload`, async (t) => {
      const { client, asked } = await upload(t, `/early/${what}/${size.slice(2)}`, framing);
      sendOn(client, framing);
      await asked.wire.some();
      asked.wire.write(`HTTP/1.1 413 Content Too Large\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      const answer = await readResponse(client);
      t.equal(answer.status, 413);
      t.ok(answer.body.equals(Buffer.from(body)));
      t.equal(value(answer, 'connection'), 'close');
      t.equal(await client.left(), 'fin');
      t.equal(await asked.wire.left(), 'reset', 'the backend is told that no more comes');
      const startMs = performance.now();
      await client.closed();
      const tookMs = performance.now() - startMs;
      t.ok(tookMs < 4_000, `over after ${tookMs.toFixed()} ms`);
    });
  }
}

test('what follows an upload that was answered early is no request', async (t) => {
  const { client, asked } = await upload(t, '/early/then', 'Content-Length: 10');
  asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  t.equal((await readResponse(client)).body.toString(), 'ok');
  client.write(`0123456789GET /early/smuggled HTTP/1.1\r\nHost: h\r\n\r\n`);
  t.equal(await client.left(), 'fin');
  t.equal(client.unread.length, 0);
  const another = await dial(t, tunnel);
  another.write('GET /early/later HTTP/1.1\r\nHost: h\r\n\r\n');
  await backend.take('/early/later');
  await t.rejects(backend.take('/early/smuggled', 1), 'it would have been here before');
});

test('an upload that breaks a rule while its answer is on the way is reset, and never ended', async (t) => {
  const { client, asked } = await upload(t, '/early/broken', framings.chunked);
  asked.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf ');
  await client.until('half ');
  client.write('nonsense\r\n');
  t.equal(await client.left(), 'reset');
  t.equal(client.unread.length, 0);
  t.equal(await asked.wire.left(), 'reset');
});

test('an upload that was refused before any answer gets the refusal', async (t) => {
  const { client, asked } = await upload(t, '/early/refused', framings.chunked);
  client.write('3\r\nabc\r\nnonsense\r\n');
  sendOn(client, framings.sized);
  const answer = await readResponse(client);
  t.equal(answer.status, 400);
  t.equal(value(answer, 'connection'), 'close');
  t.equal(await client.left(), 'fin');
  t.equal(await asked.wire.left(), 'reset');
});
