/**
 * How much of a request is taken: exactly at each limit it reaches the backend and is answered, one beyond it is refused with
 * the status of RULES, while an honest client beside it is served (RULES 3, 4, 16, 28, 30, 31).
 */
import { t as file, test, type Test } from 'tap';
import { chunk, ChunkedBody, readResponse, value } from '../e2e/support/message.ts';
import { dial } from '../e2e/support/wire.ts';
import { beside, reply, startBench } from './bench.ts';

const limit = {
  head: 2_048,
  line: 600,
  fields: 14,
  body: 1_000,
  trailers: 300,
  trailerFields: 3,
  extensionLine: 20,
  extensions: 50,
} as const;

const bench = await startBench(file, {
  MAX_HEADER_BYTES: String(limit.head),
  MAX_HEADER_LINE_BYTES: String(limit.line),
  MAX_HEADER_FIELDS: String(limit.fields),
  MAX_BODY_BYTES: String(limit.body),
  MAX_TRAILER_BYTES: String(limit.trailers),
  MAX_TRAILER_FIELDS: String(limit.trailerFields),
  MAX_CHUNK_EXTENSION_LINE_BYTES: String(limit.extensionLine),
  MAX_CHUNK_EXTENSION_BYTES: String(limit.extensions),
});

/** A line of exactly so many bytes, its CRLF not counted. */
function line(name: string, bytes: number): string {
  return `${name}: ${'x'.repeat(bytes - name.length - 2)}\r\n`;
}

/** A head of exactly so many bytes, its empty line counted, in lines that are not too long. */
function headOf(path: string, bytes: number): string {
  let text = `GET ${path} HTTP/1.1\r\nHost: h\r\n`;
  for (let left = bytes - text.length - 2; left > 0; left = bytes - text.length - 2) {
    const size = left > 800 ? 500 : left > 500 ? 300 : left;
    text += line('X-Pad', size - 2);
  }
  return `${text}\r\n`;
}

function withFields(path: string, count: number): string {
  const fields = Array.from({ length: count - 1 }, (_, index) => `X-${index}: y\r\n`);
  return `GET ${path} HTTP/1.1\r\nHost: h\r\n${fields.join('')}\r\n`;
}

function chunked(path: string, body: string | Buffer): Buffer {
  const head = `PUT ${path} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

/** A chunk of one byte whose extensions take so many bytes, their `;` counted. */
function extended(bytes: number): string {
  return `1;${'e'.repeat(bytes - 1)}\r\nx\r\n`;
}

type Make = (path: string, beyond: 0 | 1) => string | Buffer;

const rows: readonly (readonly [what: string, status: number, make: Make])[] = [
  ['the head of a request', 431, (path, beyond) => headOf(path, limit.head + beyond)],
  [
    'the request line',
    414,
    (path, beyond) => {
      const rest = limit.line + beyond - `GET ${path}?`.length - ' HTTP/1.1'.length;
      return `GET ${path}?${'q'.repeat(rest)} HTTP/1.1\r\nHost: h\r\n\r\n`;
    },
  ],
  [
    'a field line',
    431,
    (path, beyond) => `GET ${path} HTTP/1.1\r\nHost: h\r\n${line('X-Pad', limit.line + beyond)}\r\n`,
  ],
  ['the number of fields', 431, (path, beyond) => withFields(path, limit.fields + beyond)],
  [
    'a sized body',
    413,
    (path, beyond) => {
      const length = limit.body + beyond;
      return `PUT ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n${'b'.repeat(length)}`;
    },
  ],
  [
    'a chunked body in one chunk',
    413,
    (path, beyond) => chunked(path, `${sized(limit.body + beyond)}0\r\n\r\n`),
  ],
  [
    'a chunked body in many chunks',
    413,
    (path, beyond) => chunked(path, `${sized(1).repeat(limit.body + beyond)}0\r\n\r\n`),
  ],
  [
    'the trailers',
    431,
    (path, beyond) => {
      const trailer = line('X-Trailer', limit.trailers - 4 + beyond);
      return chunked(path, `${sized(1)}0\r\n${trailer}\r\n`);
    },
  ],
  [
    'the number of trailers',
    431,
    (path, beyond) => chunked(path, `0\r\n${'X-T: y\r\n'.repeat(limit.trailerFields + beyond)}\r\n`),
  ],
  [
    'the extensions of one chunk',
    413,
    (path, beyond) => chunked(path, `${extended(limit.extensionLine + beyond)}0\r\n\r\n`),
  ],
  [
    'the extensions of all chunks',
    413,
    (path, beyond) => chunked(path, `${extended(20)}${extended(20)}${extended(10 + beyond)}0\r\n\r\n`),
  ],
];

function sized(bytes: number): string {
  return chunk('b'.repeat(bytes)).toString('latin1');
}

for (const [what, status, make] of rows) {
  const path = `/${what.replaceAll(' ', '-')}`;

  test(`${what}: at the limit it goes through, one beyond is ${status}`, async (t) => {
    await beside(t, bench, async () => {
      const within = await dial(t, bench);
      within.write(make(path, 0));
      const [, target = ''] = make(path, 0).toString('latin1').split(' ');
      const asked = await bench.backend.take(target);
      if (value(asked, 'transfer-encoding') !== undefined) await new ChunkedBody(asked.wire).rest();
      else await asked.wire.take(Number(value(asked, 'content-length') ?? 0));
      reply(asked);
      t.equal((await readResponse(within)).status, 200, 'at the limit');

      const over = await dial(t, bench);
      over.write(make(path, 1));
      const message = await readResponse(over);
      t.equal(message.status, status, 'one beyond');
      t.equal(value(message, 'connection'), 'close');
      t.equal(await over.left(), 'fin', 'and nothing behind it');
    });
  });

  test(`${what}: one beyond is ${status} byte by byte, too`, async (t) => {
    const over = await dial(t, bench);
    t.equal(await refusedByteByByte(t, over, make(`${path}-slowly`, 1)), status);
  });
}

async function refusedByteByByte(
  t: Test,
  wire: Awaited<ReturnType<typeof dial>>,
  message: string | Buffer,
): Promise<number> {
  t.ok(wire.socket.writable);
  for (const byte of Buffer.from(message)) {
    if (wire.unread.length > 0) break;
    wire.write(Uint8Array.of(byte));
    // oxlint-disable-next-line no-await-in-loop -- each in a turn of its own
    await new Promise(setImmediate);
  }
  return (await readResponse(wire)).status;
}

test('what is refused by its announced length is refused before its body', async (t) => {
  const over = await dial(t, bench);
  over.write('PUT /announced HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n');
  t.equal((await readResponse(over)).status, 413);
});

test('empty lines before a request count for nothing and are at most two', async (t) => {
  const wire = await dial(t, bench);
  wire.write(`\r\n\r\n${headOf('/empty-lines', limit.head)}`);
  reply(await bench.backend.take('/empty-lines'));
  t.equal((await readResponse(wire)).status, 200);
  wire.write('\r\n\r\n\r\n');
  t.equal((await readResponse(wire)).status, 400);
});
