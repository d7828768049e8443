/**
 * A backend of its own process for transfers that would block the test, and for being killed in the middle of one.
 * `GET /down/NAME?bytes=N[&chunked]` sends N bytes, `PUT /up/NAME` takes what comes and answers its sum,
 * `GET /sum/NAME` says what was sent under that name. Logs one line with its port. `BACKLOG` is that of its socket.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { listen } from './listen.ts';
import { bulkBody, type Sum, Summing } from './bulk.ts';

const sent = new Map<string, Sum>();

const server = createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
});
console.log(
  JSON.stringify({ msg: 'listening', port: await listen(server, Number(process.env['BACKLOG'] ?? 511)) }),
);

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://backend');
  const [, action, name = ''] = url.pathname.split('/');
  if (action === 'down') {
    const bytes = Number(url.searchParams.get('bytes'));
    if (!url.searchParams.has('chunked')) response.setHeader('content-length', bytes);
    const summing = new Summing();
    await pipeline(bulkBody(bytes), summing, response);
    sent.set(name, summing.sum);
  } else if (action === 'up') {
    const summing = new Summing();
    await pipeline(request, summing, drain());
    response.end(JSON.stringify(summing.sum));
  } else {
    response.end(JSON.stringify(sent.get(name) ?? {}));
  }
}

function drain(): Writable {
  return new Writable({
    write(_bytes, _encoding, done) {
      done();
    },
  });
}
