/**
 * The backend of the chaos run, a process of its own: every answer of it can be checked by whoever asked.
 *   /small?nonce=N               the answer to N and the body
 *   PUT /up, X-Sum: BYTES SHA    the same sum of what came; a body that came to a clean end with another one is counted
 *   /down?seed=S&bytes=N&ms=T    N bytes of S over T ms; with &chunked in chunks
 *   /events?count=N&ms=T         N numbered events, T ms apart, then the end
 *   /faults                      how many bodies came to a clean end and were not what had been sent
 *   a WebSocket                  says what it hears
 * Logs one line with its port.
 */
/* oxlint-disable no-await-in-loop -- paced answers go step by step */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { listen } from '../e2e/support/listen.ts';
import { answerTo, bytesOf, eventOf, lastEvent } from './content.ts';

const pieces = 32;
let faults = 0;

const server = createServer((request, response) => {
  // Cut off by the other end: there is nobody to tell.
  answer(request, response).catch(() => response.destroy());
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
console.log(JSON.stringify({ msg: 'listening', port: await listen(server) }));

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://backend');
  const numberOf = (name: string): number => Number(searchParams.get(name));
  if (pathname === '/small') {
    response.end(answerTo(searchParams.get('nonce') ?? '', await buffer(request)));
  } else if (pathname === '/up') {
    response.end(await sumUp(request));
  } else if (pathname === '/down') {
    const body = bytesOf(searchParams.get('seed') ?? '', numberOf('bytes'));
    if (!searchParams.has('chunked')) response.setHeader('Content-Length', body.length);
    await sendDown(body, numberOf('ms') / pieces, response);
  } else if (pathname === '/events') {
    response.setHeader('Content-Type', 'text/event-stream');
    await sendEvents(numberOf('count'), numberOf('ms'), response);
  } else {
    response.end(String(faults));
  }
}

async function sumUp(request: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    hash.update(piece);
    bytes += piece.length;
  }
  const sum = `${bytes} ${hash.digest('hex')}`;
  if (request.complete && sum !== request.headers['x-sum']) faults += 1;
  return sum;
}

async function sendDown(body: Buffer, pauseMs: number, response: ServerResponse): Promise<void> {
  const size = Math.ceil(body.length / pieces);
  for (let at = 0; at < body.length && !response.destroyed; at += size) {
    response.write(body.subarray(at, at + size));
    await sleep(pauseMs);
  }
  response.end();
}

async function sendEvents(count: number, pauseMs: number, response: ServerResponse): Promise<void> {
  for (let number = 1; number <= count && !response.destroyed; number += 1) {
    response.write(eventOf(number));
    await sleep(pauseMs);
  }
  response.end(lastEvent);
}
