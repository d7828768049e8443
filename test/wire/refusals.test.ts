/**
 * What becomes of the connection behind a refusal: the client reads the answer whole, also while it is still sending, and
 * then it is over, soon, whatever the client does (RFC 9112 §9.6). What was asked before the refusal is answered first.
 */
import { t as file, test } from 'tap';
import { readResponse, value } from '../e2e/support/message.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';
import type { Wire } from '../e2e/support/wire.ts';
import { Addresses, connectFrom, type Client } from './client.ts';
import { Pulse } from './pulse.ts';
import { TaggingBackend, tagOf } from './tagging-backend.ts';

const backend = await TaggingBackend.listen(file);
const tunnel = await startTunnel(file, { backend: backend.port });
const pulse = await Pulse.ofProxy(file, tunnel);
const addresses = new Addresses();

const refused = 'GET / HTTP/1.1\r\nNo-Host: h\r\n\r\n';
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`;

function connected(): Promise<Client> {
  return connectFrom(addresses.next(), tunnel);
}

async function isRefused(wire: Wire, status = 400): Promise<string> {
  const answer = await readResponse(wire);
  const length = Number(value(answer, 'content-length'));
  const isWhole = answer.status === status && answer.body.length === length && length > 0;
  return isWhole ? `whole, Connection: ${value(answer, 'connection')}` : JSON.stringify(answer);
}

/** How long it takes until the proxy's socket is gone. */
async function millisecondsToEnd(wire: Wire): Promise<number> {
  const startMs = performance.now();
  await wire.closed();
  return performance.now() - startMs;
}

test('a client that goes on to send megabytes reads its refusal whole', async (t) => {
  const { wire } = await connected();
  wire.write(refused);
  for (let piece = 0; piece < 64; piece += 1) wire.write(Buffer.alloc(64 * 1024, 'x'));
  t.equal(await isRefused(wire), 'whole, Connection: close');
  t.equal(await wire.left(), 'fin');
  const tookMs = await millisecondsToEnd(wire);
  t.ok(tookMs < 4_000, `and after ${tookMs.toFixed()} ms it is over, sent or not`);
});

test('a client that sends all it has before it reads a byte reads its refusal whole', async (t) => {
  const { wire } = await connected();
  wire.socket.pause();
  wire.write(refused + 'x'.repeat(60_000));
  await pulse.beat();
  await pulse.beat();
  wire.socket.resume();
  t.equal(await isRefused(wire), 'whole, Connection: close');
  t.equal(await wire.left(), 'fin');
  wire.end();
});

test('a client that leaves its refused connection open, or drips into it, has two seconds', async (t) => {
  const { wire } = await connected();
  wire.write(refused);
  t.equal(await isRefused(wire), 'whole, Connection: close');
  t.equal(await wire.left(), 'fin', 'the end is said at once');
  // It drips meanwhile: a byte every 20 ms.
  const tookMs = await millisecondsToEnd(wire);
  t.ok(tookMs > 1_500 && tookMs < 4_000, `over after ${tookMs.toFixed()} ms`);
});

test('what was asked before is answered before, and nothing behind the refusal is read', async (t) => {
  const { wire, address } = await connected();
  wire.write(get('/1') + get('/2') + refused + get('/never'));
  for (const target of ['/1', '/2']) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const answer = await readResponse(wire);
    t.equal(answer.body.toString(), tagOf(address, { method: 'GET', target, body: '' }));
    t.equal(value(answer, 'connection'), undefined, 'not closed yet');
  }
  t.equal(await isRefused(wire), 'whole, Connection: close');
  t.equal(await wire.left(), 'fin');
  t.equal(wire.unread.length, 0);
  t.strictSame(
    backend.seenFrom(address).map(({ target }) => target),
    ['/1', '/2'],
  );
});

test('a client that half-closes behind its requests gets all the answers', async (t) => {
  const { wire, address } = await connected();
  const post = 'POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc';
  wire.write(get('/1') + post + get('/3'));
  wire.end();
  const bodies = ['', 'abc', ''];
  for (const [at, body] of bodies.entries()) {
    const request = { method: body === '' ? 'GET' : 'POST', target: `/${at + 1}`, body };
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    t.equal((await readResponse(wire)).body.toString(), tagOf(address, request));
  }
  t.equal(await wire.left(), 'fin');
  t.equal(wire.unread.length, 0);
});

for (const [what, cut] of [
  ['a head', 'GET /cut HTTP/1.1\r\nHost: h\r\n'],
  ['a sized body', 'POST /cut HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabc'],
  ['a chunked body', 'POST /cut HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n'],
] as const) {
  test(`a client that half-closes within ${what} has not asked, what it asked before is answered`, async (t) => {
    const { wire, address } = await connected();
    wire.write(get('/whole') + cut);
    wire.end();
    const whole = { method: 'GET', target: '/whole', body: '' };
    t.equal((await readResponse(wire)).body.toString(), tagOf(address, whole));
    await wire.left();
    t.equal(wire.unread.length, 0);
    await backend.settled();
    t.strictSame(
      backend.seenFrom(address).filter(({ isComplete }) => isComplete),
      [{ ...whole, isComplete: true }],
    );
  });
}
