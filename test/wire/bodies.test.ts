/**
 * Bodies and trailers go through byte for byte, up and down, whatever their framing and their coding. Chunk sizes are each
 * hop's own affair (RFC 9112 §7.1); what they hold is not.
 */
import { randomBytes } from 'node:crypto';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { t as file, test, type Test } from 'tap';
import { chunk, ChunkedBody, readResponse, value, values } from '../e2e/support/message.ts';
import { Recorder } from '../e2e/support/recorder.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';
import { dial } from '../e2e/support/wire.ts';

const backend = await Recorder.listen(file);
const tunnel = await startTunnel(file, { backend: backend.address });

interface Body {
  readonly bytes: Buffer;
  /** Fields that say what it is. */
  readonly lines?: readonly string[];
}

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const page = Buffer.from('<p>the same again and again</p>'.repeat(500));
const looksLikeHttp = Buffer.from('0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil\r\n0\r\n\r\n');

const bodies: readonly [what: string, body: Body][] = [
  ['one byte', { bytes: Buffer.from('x') }],
  ['every byte there is', { bytes: everyByte }],
  ['what looks like messages and chunks', { bytes: looksLikeHttp }],
  ['a megabyte of noise', { bytes: randomBytes(2 ** 20) }],
  ['gzip', { bytes: gzipSync(page), lines: ['Content-Encoding: gzip', 'Content-Type: text/html'] }],
  ['br', { bytes: brotliCompressSync(page), lines: ['Content-Encoding: br', 'Vary: Accept-Encoding'] }],
  ['a part', { bytes: everyByte, lines: ['Content-Range: bytes 0-255/9999', 'Content-Type: image/png'] }],
  ['a digest', { bytes: everyByte, lines: ['Content-MD5: x', 'Repr-Digest: sha-256=:eA==:'] }],
];

let count = 0;

interface Sent {
  readonly head: readonly string[];
  readonly body: Buffer;
}

/** A message of this body: sized, or in chunks of odd sizes. */
function written(framing: 'sized' | 'chunked', { bytes, lines = [] }: Body): Sent {
  if (framing === 'sized') return { head: [...lines, `Content-Length: ${bytes.length}`], body: bytes };
  const chunks: Buffer[] = [];
  for (let at = 0, size = 1; at < bytes.length; at += size, size = size * 3 + 1)
    chunks.push(chunk(bytes.subarray(at, at + size)));
  const body = Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
  return { head: [...lines, 'Transfer-Encoding: chunked'], body };
}

async function upload(t: Test, framing: 'sized' | 'chunked', body: Body): Promise<void> {
  const path = `/up/${(count += 1)}`;
  const { head, body: bytes } = written(framing, body);
  const client = await dial(t, tunnel);
  client.write([`PUT ${path} HTTP/1.1`, 'Host: h', ...head, '\r\n'].join('\r\n'));
  client.write(bytes);
  const asked = await backend.take(path);
  for (const line of head) t.ok(asked.lines.includes(line), line);
  const { length } = body.bytes;
  const got =
    framing === 'sized' ? await asked.wire.take(length) : (await new ChunkedBody(asked.wire).rest()).bytes;
  t.ok(got.equals(body.bytes), `${length} bytes, as they were`);
  asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
  t.equal((await readResponse(client)).status, 204);
  t.equal(asked.wire.unread.length, 0, 'and nothing behind them');
  asked.release();
}

async function download(t: Test, framing: 'sized' | 'chunked', body: Body): Promise<void> {
  const path = `/down/${(count += 1)}`;
  const { head, body: bytes } = written(framing, body);
  const client = await dial(t, tunnel);
  client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
  const asked = await backend.take(path);
  asked.wire.write(['HTTP/1.1 206 Partial Content', ...head, '\r\n'].join('\r\n'));
  asked.wire.write(bytes);
  const message = await readResponse(client);
  t.equal(message.framing, framing);
  for (const line of head) t.ok(message.lines.includes(line), line);
  t.ok(message.body.equals(body.bytes), `${body.bytes.length} bytes, as they were`);
  t.equal(client.unread.length, 0, 'and nothing behind them');
  asked.release();
}

for (const [what, body] of bodies) {
  for (const framing of ['sized', 'chunked'] as const) {
    test(`${what}, ${framing}, up`, (t) => upload(t, framing, body));
    test(`${what}, ${framing}, down`, (t) => download(t, framing, body));
  }
}

for (const [what, declared] of [
  ['declared', ['Trailer: X-Sum, X-Note', 'Trailer: x-sum']],
  ['undeclared', []],
] as const) {
  const trailers = ['X-Sum: 42', 'X-Note: caf\xe9 \x80', 'x-sum: 43', 'X-Empty: ', 'Server-Timing: db;dur=1'];
  const body = Buffer.from(`2\r\nok\r\n0\r\n${trailers.join('\r\n')}\r\n\r\n`, 'latin1');
  const head = [...declared, 'Transfer-Encoding: chunked'];

  test(`trailers, ${what}, go up`, async (t) => {
    const path = `/trailers/up/${what}`;
    const client = await dial(t, tunnel);
    client.write([`POST ${path} HTTP/1.1`, 'Host: h', ...head, '\r\n'].join('\r\n'));
    client.write(body);
    const asked = await backend.take(path);
    t.strictSame(
      values(asked, 'trailer'),
      declared.map((line) => line.slice('Trailer: '.length)),
    );
    const got = await new ChunkedBody(asked.wire).rest();
    t.equal(got.bytes.toString(), 'ok');
    t.strictSame(got.trailers, trailers);
    asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
    t.equal((await readResponse(client)).status, 204);
    asked.release();
  });

  test(`trailers, ${what}, go down to a client that takes them`, async (t) => {
    const path = `/trailers/down/${what}`;
    const client = await dial(t, tunnel);
    client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n`);
    const asked = await backend.take(path);
    t.equal(value(asked, 'te'), 'trailers');
    asked.wire.write(['HTTP/1.1 200 OK', ...head, '\r\n'].join('\r\n'));
    asked.wire.write(body);
    const message = await readResponse(client);
    t.strictSame(
      values(message, 'trailer'),
      declared.map((line) => line.slice('Trailer: '.length)),
    );
    t.equal(message.body.toString(), 'ok');
    t.strictSame(message.trailers, trailers);
    asked.release();
  });
}

test('a body that ends with the connection comes down whole', async (t) => {
  const client = await dial(t, tunnel);
  client.write('GET /until-the-end HTTP/1.1\r\nHost: h\r\n\r\n');
  const asked = await backend.take('/until-the-end');
  asked.wire.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n');
  asked.wire.write(looksLikeHttp);
  asked.wire.end();
  const message = await readResponse(client);
  t.ok(message.body.equals(looksLikeHttp));
  t.strictSame(message.lines, ['Content-Type: text/plain', 'Transfer-Encoding: chunked']);
});
