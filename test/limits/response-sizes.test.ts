/**
 * How much of a response is taken: exactly at each limit it reaches the client, one beyond it is a 502 where the client has
 * seen nothing yet and a reset where it has (RULES 28, 30, 34, 36, 44).
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { t as file, test, type Test } from 'tap';
import { readHead, readResponse, status, value } from '../e2e/support/message.ts';
import { dial } from '../e2e/support/wire.ts';
import type { Wire } from '../e2e/support/wire.ts';
import type { Asked } from '../e2e/support/recorder.ts';
import { beside, startBench } from './bench.ts';

const limit = {
  head: 1_024,
  fields: 6,
  interim: 2,
  trailers: 300,
  trailerFields: 3,
  extensionLine: 20,
  extensions: 50,
};

const bench = await startBench(file, {
  MAX_RESPONSE_HEADER_BYTES: String(limit.head),
  MAX_RESPONSE_HEADER_FIELDS: String(limit.fields),
  MAX_INTERIM_RESPONSES: String(limit.interim),
  MAX_TRAILER_BYTES: String(limit.trailers),
  MAX_TRAILER_FIELDS: String(limit.trailerFields),
  MAX_CHUNK_EXTENSION_LINE_BYTES: String(limit.extensionLine),
  MAX_CHUNK_EXTENSION_BYTES: String(limit.extensions),
  // What is refused of requests is not what is tried here.
  MAX_HEADER_BYTES: '64KiB',
});

async function ask(t: Test, path: string): Promise<{ client: Wire; asked: Asked }> {
  const client = await dial(t, bench);
  client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n\r\n`);
  return { client, asked: await bench.backend.take(path) };
}

function headOf(bytes: number): string {
  const start = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Pad: ';
  return `${start}${'x'.repeat(bytes - start.length - 4)}\r\n\r\n`;
}

function withFields(count: number): string {
  const fields = Array.from({ length: count - 1 }, (_, index) => `X-${index}: y\r\n`);
  return `HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${fields.join('')}\r\n`;
}

const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n';

for (const [what, make] of [
  ['the head of a response', (beyond: number) => headOf(limit.head + beyond)],
  ['the number of fields', (beyond: number) => withFields(limit.fields + beyond)],
  [
    'a status line as long as a head may be',
    (beyond: number) => `HTTP/1.1 200 ${'r'.repeat(limit.head - 17 + beyond)}\r\n\r\n`,
  ],
] as const) {
  for (const isSlow of [false, true]) {
    test(`${what}${isSlow ? ', byte by byte' : ''}: at the limit it goes through, one beyond is 502`, async (t) => {
      await beside(t, bench, async () => {
        for (const [beyond, expected] of [
          [0, 200],
          [1, 502],
        ] as const) {
          const path = `/${what.replaceAll(' ', '-')}-${isSlow}-${beyond}`;
          const { client, asked } = await ask(t, path);
          if (isSlow) await writeByteByByte(asked.wire, make(beyond));
          else asked.wire.write(make(beyond));
          asked.wire.end();
          t.equal((await readResponse(client)).status, expected);
        }
      });
    });
  }
}

async function writeByteByByte(wire: Wire, text: string): Promise<void> {
  for (const byte of Buffer.from(text)) {
    if (wire.leaving !== undefined) return;
    wire.write(Uint8Array.of(byte));
    // oxlint-disable-next-line no-await-in-loop -- each in a turn of its own
    await new Promise(setImmediate);
  }
}

test(`${limit.interim} interim answers come through, one more is 502`, async (t) => {
  await beside(t, bench, async () => {
    const { client, asked } = await ask(t, '/interim');
    asked.wire.write(`${hint.repeat(limit.interim)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`);
    for (const expected of [103, 103, 200]) t.equal(status(await readHead(client)), expected);
    asked.release();
    const more = await ask(t, '/interim-more');
    more.asked.wire.write(`${hint.repeat(limit.interim + 1)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`);
    for (const expected of [103, 103, 502]) t.equal(status(await readHead(more.client)), expected);
  });
});

for (const [what, make] of [
  ['the trailers', (beyond: number) => `0\r\nX-T: ${'t'.repeat(limit.trailers - 9 + beyond)}\r\n\r\n`],
  [
    'the number of trailers',
    (beyond: number) => `0\r\n${'X-T: t\r\n'.repeat(limit.trailerFields + beyond)}\r\n`,
  ],
  ['the extensions of one chunk', (beyond: number) => `${extended(limit.extensionLine + beyond)}0\r\n\r\n`],
  [
    'the extensions of all chunks',
    (beyond: number) => `${extended(20)}${extended(20)}${extended(10 + beyond)}0\r\n\r\n`,
  ],
] as const) {
  test(`${what} of a response: at the limit they go through, one beyond the client is reset`, async (t) => {
    await beside(t, bench, async () => {
      const path = `/${what.replaceAll(' ', '-')}`;
      const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n';
      const { client, asked } = await ask(t, path);
      asked.wire.write(head + make(0));
      const message = await readResponse(client);
      t.equal(value(message, 'transfer-encoding'), 'chunked');
      t.match(message.body.toString(), /^x+$/);
      asked.release();
      const more = await ask(t, `${path}-more`);
      more.asked.wire.write(head + make(1));
      t.equal(await more.client.left(), 'reset', 'never an end that could pass for a complete answer');
      await more.asked.wire.closed();
    });
  });
}

/** A chunk of one byte whose extensions take so many bytes, their `;` counted. */
function extended(bytes: number): string {
  return `1;${'e'.repeat(bytes - 1)}\r\nx\r\n`;
}
