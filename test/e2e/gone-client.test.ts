/**
 * A client that is gone is gone for the backend too, within a second: in a download, in an upload, and while the backend
 * still thinks.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { t as file, test } from 'tap';
import { ChunkedBody, chunk, readHead, readResponse, status } from './support/message.ts';
import { Recorder } from './support/recorder.ts';
import { startTunnel } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const backend = await Recorder.listen(file);
const tunnel = await startTunnel(file, { backend: backend.address });
const noticedMs = 1000;

test('a client gone in the middle of a download', async (t) => {
  const client = await dial(t, tunnel);
  client.write('GET /download HTTP/1.1\r\nHost: gone.test\r\n\r\n');
  const { wire } = await backend.take('/download');
  wire.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n`);
  t.equal(status(await readHead(client)), 200);
  const piece = Buffer.alloc(65_536);
  const flow = setInterval(() => wire.socket.writable && wire.socket.write(piece), 20);
  await client.take(100_000);
  client.socket.destroy();
  await wire.closed(noticedMs).finally(() => clearInterval(flow));
  t.pass('the backend saw its socket close');
});

test('a client gone from a quiet event stream', async (t) => {
  const client = await dial(t, tunnel);
  client.write('GET /events HTTP/1.1\r\nHost: gone.test\r\n\r\n');
  const { wire } = await backend.take('/events');
  wire.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n');
  wire.write(chunk('data: one\n\n'));
  t.equal(status(await readHead(client)), 200);
  await new ChunkedBody(client).take(11);
  client.reset();
  await wire.closed(noticedMs);
  t.pass('the backend saw its socket close, though it had nothing to send');
});

test('a client that does not read and is gone', async (t) => {
  const client = await dial(t, tunnel);
  client.write('GET /unread HTTP/1.1\r\nHost: gone.test\r\n\r\n');
  const { wire } = await backend.take('/unread');
  wire.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
  t.equal(status(await readHead(client)), 200);
  client.socket.pause();
  // Until every window and socket buffer between the two is full.
  const piece = Buffer.alloc(1024 * 1024);
  for (let isStuck = false; !isStuck;) {
    if (wire.socket.write(piece)) continue;
    isStuck = await new Promise<boolean>((resolve) => {
      const giveUp = setTimeout(() => resolve(true), 500);
      wire.socket.once('drain', () => {
        clearTimeout(giveUp);
        resolve(false);
      });
    });
  }
  client.reset();
  await wire.closed(noticedMs);
  t.pass('the backend saw its socket close');
});

for (const [framing, head, piece] of [
  ['sized', 'Content-Length: 1000000', 'a piece'],
  ['chunked', 'Transfer-Encoding: chunked', chunk('a piece').toString('latin1')],
] as const) {
  for (const [leaving, leave] of [
    ['destroyed', 'destroy'],
    ['reset', 'resetAndDestroy'],
  ] as const) {
    test(`a client ${leaving} in the middle of a ${framing} upload`, async (t) => {
      const client = await dial(t, tunnel);
      const path = `/upload/${framing}/${leaving}`;
      client.write(`PUT ${path} HTTP/1.1\r\nHost: gone.test\r\n${head}\r\n\r\n${piece}`);
      const { wire } = await backend.take(path);
      await wire.until('a piece');
      client.socket[leave]();
      await wire.closed(noticedMs);
      t.notMatch(
        wire.unread.toString('latin1'),
        /\n0\r\n/,
        'and no last chunk that would make it look whole',
      );
    });
  }
}

test('a client gone while it waits for the head', async (t) => {
  const client = await dial(t, tunnel);
  client.write('GET /waiting HTTP/1.1\r\nHost: gone.test\r\n\r\n');
  const { wire } = await backend.take('/waiting');
  // A FIN alone says only that nothing more is asked (rule 49, below): one who is gone answers with a RST.
  client.reset();
  await wire.closed(noticedMs);
  t.pass('the backend saw its socket close');
});

test('a client that only ended its side after the request still gets its answer', async (t) => {
  const client = await dial(t, tunnel);
  client.write('GET /half-closed HTTP/1.1\r\nHost: gone.test\r\n\r\n');
  client.end();
  const { wire } = await backend.take('/half-closed');
  wire.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nanswer');
  wire.end();
  t.equal((await readResponse(client)).body.toString(), 'answer');
  t.equal(await client.left(), 'fin');
});
