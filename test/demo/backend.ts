/**
 * The demo backend: a small HTTP server that shows what a tunnel must carry — a page, a live event stream, an upload
 * counted while it arrives, a WebSocket echo, and the request just as it came. It does not know that a tunnel exists.
 * `PORT` (default 0, a free one) and `HOST` (default loopback) say where it listens; it prints one JSON line when it does.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

const pagePath = new URL('page.html', import.meta.url);
const tickMs = 500;
/** How often a running upload is reported: often enough to look smooth, too seldom to weigh anything. */
const uploadReportMs = 100;
/** Visitors of a demo; one stranger's script must not take the file descriptors of the machine. */
const maxConnections = 1_000;
const maxMessageBytes = 16 * 1024 * 1024;
const uploadId = /^[\w-]{1,64}$/;

export interface UploadReport {
  readonly id: string;
  readonly receivedBytes: number;
  readonly pieces: number;
  readonly elapsedMs: number;
  readonly done: boolean;
  /** Hex, once the whole body is here. */
  readonly sha256?: string;
}

/** Everybody who listens to /events, and what they are told. */
class EventStream {
  readonly #listeners = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;

  add(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`retry: 1000\n\n`);
    this.#listeners.add(response);
    this.#timer ??= setInterval(() => {
      this.#ticks += 1;
      this.send('tick', { count: this.#ticks, sentAtMs: Date.now(), listeners: this.#listeners.size });
    }, tickMs);
    response.on('close', () => {
      this.#listeners.delete(response);
      if (this.#listeners.size === 0) this.stop();
    });
  }

  /** Who does not read is told nothing more until he does: a missed tick is no loss, a growing buffer is. */
  send(event: string, data: object): void {
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const listener of this.#listeners) if (!listener.writableNeedDrain) listener.write(text);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Counts and digests the body as it comes, keeps none of it, and reports on the event stream while it runs. */
function receiveUpload(
  request: IncomingMessage,
  response: ServerResponse,
  id: string,
  events: EventStream,
): void {
  const startedAtMs = performance.now();
  const hash = createHash('sha256');
  let receivedBytes = 0;
  let pieces = 0;
  let reportedAtMs = 0;
  const report = (): UploadReport => {
    const elapsedMs = Math.round(performance.now() - startedAtMs);
    return { id, receivedBytes, pieces, elapsedMs, done: false };
  };
  request.on('data', (piece: Buffer) => {
    receivedBytes += piece.length;
    pieces += 1;
    hash.update(piece);
    const nowMs = performance.now();
    if (nowMs - reportedAtMs < uploadReportMs) return;
    reportedAtMs = nowMs;
    events.send('upload', report());
  });
  request.on('end', () => {
    const last: UploadReport = { ...report(), done: true, sha256: hash.digest('hex') };
    events.send('upload', last);
    sendJson(response, 200, last);
  });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

async function sendPage(response: ServerResponse): Promise<void> {
  const page = await readFile(pagePath);
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': page.length,
    // The page loads nothing from anywhere else; this holds it to that.
    'content-security-policy':
      "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:",
  });
  response.end(page);
}

/** The header lines in the order, case and number in which they came. */
function headerLines(request: IncomingMessage): string[] {
  const lines: string[] = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
  }
  return lines;
}

function answer(request: IncomingMessage, response: ServerResponse, events: EventStream): void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://backend');
  if (pathname === '/') {
    sendPage(response).catch(() => response.destroy());
  } else if (pathname === '/events') {
    events.add(response);
  } else if (pathname === '/upload' && (request.method === 'POST' || request.method === 'PUT')) {
    const asked = searchParams.get('id') ?? '';
    receiveUpload(request, response, uploadId.test(asked) ? asked : 'unnamed', events);
  } else if (pathname === '/request') {
    const { method, url: target, httpVersion: version } = request;
    sendJson(response, 200, { method, target, version, lines: headerLines(request) });
  } else {
    sendJson(response, 404, { error: 'not_found', try: ['/', '/events', '/upload', '/echo', '/request'] });
  }
}

/** One message at a time: the next is read when the last has been written, so a slow reader holds one message here. */
function echo(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => {
    socket.pause();
    socket.send(Array.isArray(data) ? Buffer.concat(data) : data, { binary: isBinary }, () =>
      socket.resume(),
    );
  });
  socket.on('error', () => socket.terminate());
}

/** The server, not yet listening. Closing it is the caller's. */
export function createDemoBackend(): Server {
  const events = new EventStream();
  const echoes = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes });
  const server = createServer((request, response) => answer(request, response, events));
  server.maxConnections = maxConnections;
  // An upload may take as long as it takes.
  server.requestTimeout = 0;
  server.on('upgrade', (request, socket, head) => {
    if (request.url?.split('?')[0] === '/echo') echoes.handleUpgrade(request, socket, head, echo);
    else socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  server.on('close', () => events.stop());
  return server;
}

function main(): void {
  const server = createDemoBackend();
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
    // Sockets that became WebSockets are no longer the server's to close.
    process.exit(0);
  };
  server.listen(Number(process.env['PORT'] ?? 0), process.env['HOST'] ?? '127.0.0.1', () => {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the demo backend listens on TCP');
    console.log(JSON.stringify({ msg: 'listening', port: address.port }));
  });
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

if (import.meta.main) main();
