/**
 * Which answers leave the backend's connection for another request. A backend that sends a body where none may be (to a
 * HEAD, with 204 or 304) sends it behind the answer's end, when another request may have the connection already: its
 * bytes would be the answer to that one, whoever asked. So the connection is not used again where that can happen.
 */
import { t as file, test } from 'tap';
import { readResponse } from '../e2e/support/message.ts';
import { Recorder } from '../e2e/support/recorder.ts';
import { startTunnel } from '../e2e/support/tunnel.ts';
import { dial } from '../e2e/support/wire.ts';

const backend = await Recorder.listen(file);
const tunnel = await startTunnel(file, { backend: backend.address });

interface Row {
  readonly what: string;
  readonly method: string;
  readonly answer: string;
  readonly isUsedAgain: boolean;
}

const rows: readonly Row[] = [
  {
    what: 'an answer with its length',
    method: 'GET',
    answer: '200 OK\r\nContent-Length: 0',
    isUsedAgain: true,
  },
  { what: '204', method: 'GET', answer: '204 No Content', isUsedAgain: true },
  {
    what: '204 of length 0',
    method: 'GET',
    answer: '204 No Content\r\nContent-Length: 0',
    isUsedAgain: true,
  },
  { what: '304', method: 'GET', answer: '304 Not Modified\r\nETag: "1"', isUsedAgain: true },
  {
    what: '304 with a length',
    method: 'GET',
    answer: '304 Not Modified\r\nContent-Length: 9',
    isUsedAgain: false,
  },
  {
    what: '204 with a length',
    method: 'GET',
    answer: '204 No Content\r\nContent-Length: 9',
    isUsedAgain: false,
  },
  {
    what: 'chunked 204',
    method: 'GET',
    answer: '204 None\r\nTransfer-Encoding: chunked',
    isUsedAgain: false,
  },
  { what: 'HEAD with a length', method: 'HEAD', answer: '200 OK\r\nContent-Length: 9', isUsedAgain: false },
  { what: 'HEAD of length 0', method: 'HEAD', answer: '200 OK\r\nContent-Length: 0', isUsedAgain: false },
  {
    what: 'chunked HEAD',
    method: 'HEAD',
    answer: '200 OK\r\nTransfer-Encoding: chunked',
    isUsedAgain: false,
  },
  { what: 'HEAD without framing', method: 'HEAD', answer: '200 OK', isUsedAgain: false },
];

for (const [number, { what, method, answer, isUsedAgain }] of rows.entries()) {
  test(`${what}: the connection is ${isUsedAgain ? 'used again' : 'closed'}`, async (t) => {
    const client = await dial(t, tunnel);
    client.write(`${method} /first/${number} HTTP/1.1\r\nHost: h\r\n\r\n`);
    const first = await backend.take(`/first/${number}`);
    first.wire.write(`HTTP/1.1 ${answer}\r\n\r\n`);
    first.release();
    await readResponse(client, method);
    // The client's connection goes on in any case.
    client.write(`GET /second/${number} HTTP/1.1\r\nHost: h\r\n\r\n`);
    const second = await backend.take(`/second/${number}`);
    t.equal(second.connection === first.connection, isUsedAgain);
    second.wire.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond');
    t.equal((await readResponse(client)).body.toString(), 'second');
    second.release();
    if (!isUsedAgain) t.equal(await first.wire.left(), 'reset');
  });
}
