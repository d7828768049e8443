/**
 * Every field name that the world uses, in the head and in the trailers of a request and of a response: it arrives, or the
 * tables of docs/http.md say that it does not.
 */
import { t as file, test } from 'tap';
import { ChunkedBody, readResponse } from '../e2e/support/message.ts';
import { Recorder } from '../e2e/support/recorder.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';
import { dial } from '../e2e/support/wire.ts';
import { namesField, readChangeRows } from './change-table.ts';
import { groupsOf } from './feed.ts';
import { knownFields } from './known-fields.ts';

const backend = await Recorder.listen(file);
const tunnel = await startTunnel(file, { backend: backend.address });
const rows = readChangeRows();

/** Rows whose fields never arrive as they were sent, of the head or of the trailers of one kind of message. */
function isTold(name: string, kind: 'request' | 'response', part: 'head' | 'trailers'): boolean {
  const prefix = part === 'head' ? /^(?:request|response)-(?!trailer)/ : /^(?:request|response)-trailer-/;
  return rows.some(
    (row) => row.key.startsWith(kind) && prefix.test(row.key) && namesField(row, name.toLowerCase()),
  );
}

/** These have rows for what is done with some of their values, and pass with this one. */
const passInHead: Readonly<Record<'request' | 'response', readonly string[]>> = {
  request: ['Authorization', 'Cookie', 'Max-Forwards', 'Via'],
  response: [],
};

function linesOf(names: readonly string[]): string[] {
  return names.map((name) => `${name}: 1`);
}

for (const [at, names] of groupsOf(knownFields, 80).entries()) {
  test(`fields ${at * 80 + 1} and on, in heads`, async (t) => {
    const client = await dial(t, tunnel);
    const lines = linesOf(names);
    client.write(`GET /heads/${at} HTTP/1.1\r\nHost: h\r\n${lines.join('\r\n')}\r\n\r\n`);
    const asked = await backend.take(`/heads/${at}`);
    asked.wire.write(`HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`);
    const message = await readResponse(client);
    asked.release();
    for (const [kind, arrived] of [
      ['request', asked.lines],
      ['response', message.lines],
    ] as const) {
      const passes = (name: string): boolean =>
        !isTold(name, kind, 'head') || passInHead[kind].includes(name);
      t.strictSame(
        lines.filter((line) => arrived.includes(line)),
        linesOf(names.filter((name) => passes(name))),
        `all but those of the table in the head of a ${kind}`,
      );
    }
  });
}

for (const [at, names] of groupsOf(knownFields, 30).entries()) {
  test(`fields ${at * 30 + 1} and on, in trailers`, async (t) => {
    const client = await dial(t, tunnel);
    const lines = linesOf(names);
    const body = `0\r\n${lines.join('\r\n')}\r\n\r\n`;
    const head = 'TE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n';
    client.write(`POST /trailers/${at} HTTP/1.1\r\nHost: h\r\n${head}${body}`);
    const asked = await backend.take(`/trailers/${at}`);
    const up = await new ChunkedBody(asked.wire).rest();
    asked.wire.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`);
    const down = await readResponse(client);
    asked.release();
    for (const [kind, arrived] of [
      ['request', up.trailers],
      ['response', down.trailers],
    ] as const) {
      const passing = names.filter((name) => !isTold(name, kind, 'trailers'));
      t.strictSame(arrived, linesOf(passing), `all but those of the table in the trailers of a ${kind}`);
    }
  });
}
