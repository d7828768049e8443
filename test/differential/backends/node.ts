/** Node's own server (llhttp) as a judge: says what it understood of each request. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { listen } from '../../e2e/support/listen.ts';
import type { BackendRecord } from '../record.ts';
import { Body, emptyRecord, endWithParent, glance, idleTimeoutMs, say, sayListening } from './backend.ts';

endWithParent();
const server = createServer(
  { maxHeaderSize: 128 * 1024, keepAliveTimeout: idleTimeoutMs, requestTimeout: 0 },
  answer,
);
server.headersTimeout = 0;
server.on('clientError', refuse);
sayListening(await listen(server));

/** The request that is being read on a connection: what an error behind its head is about. */
const current = new WeakMap<object, BackendRecord>();

const refused = new WeakSet<object>();

function answer(request: IncomingMessage, response: ServerResponse): void {
  const { method = '', url: target = '', headers } = request;
  const seen = { ...emptyRecord, method, target, host: headers.host ?? '' };
  const { socket } = request;
  current.set(socket, seen);
  const body = new Body();
  request.on('data', (bytes: Buffer) => body.push(bytes));
  request.on('end', () => {
    current.delete(socket);
    say({ ...seen, kind: 'request', body: body.text });
    response.setHeader('X-Seen', `${method} ${target}`);
    response.end('seen\n');
  });
  request.on('error', () => undefined);
  request.on('close', () => {
    if (!request.complete) say({ ...seen, kind: 'incomplete', body: body.text });
  });
}

function refuse(error: Error & { code?: string; rawPacket?: Buffer }, socket: Socket): void {
  const { code = 'error', rawPacket } = error;
  // What comes behind a message that was refused is the rest of it, and is refused again.
  if (refused.has(socket)) return;
  refused.add(socket);
  // The agent has left in the middle of a request, which is no message at all.
  if (code !== 'ECONNRESET' && code !== 'HPE_INVALID_EOF_STATE') {
    // A head may come in pieces, of which the first need not say whose it is.
    say({
      ...emptyRecord,
      ...(current.get(socket) ?? glance(rawPacket?.toString('latin1') ?? '')),
      reason: code,
    });
  }
  if (socket.writable) {
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  }
}
