/**
 * The backend for uploads and WebSockets: answers GET with 12 bytes, a body with how many bytes it had, and after an upgrade
 * echoes frames. Raw sockets, because it must cost far less than what stands before it; what it costs is the row of `direct`.
 * It trusts its clients, which are those of a run: heads come whole, bodies have a Content-Length, frames are short.
 * `node small-backend.ts PORT`
 */
import { createHash } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { echoFrames } from './frames.ts';

const hello = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello bench\n';
/** RFC 6455 §1.3. */
const acceptSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

class Connection {
  readonly #socket: Socket;
  #held: Buffer = Buffer.alloc(0);
  #bodyBytes = 0;
  #leftBytes = 0;
  #echoes = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  receive(bytes: Buffer): void {
    // The body of an upload is counted and dropped as it comes: nothing is copied.
    const bodyBytes = Math.min(bytes.length, this.#leftBytes);
    if (bodyBytes > 0) {
      this.#leftBytes -= bodyBytes;
      if (this.#leftBytes === 0) this.#answerUpload();
      if (bodyBytes === bytes.length) return;
    }
    const rest = bytes.subarray(bodyBytes);
    this.#held = this.#held.length === 0 ? rest : Buffer.concat([this.#held, rest]);
    while (!this.#echoes && this.#readHead());
    if (this.#echoes) this.#echo();
  }

  /** Whether a whole head was there, and what follows may be another. */
  #readHead(): boolean {
    const end = this.#held.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const head = this.#held.toString('latin1', 0, end);
    this.#held = this.#held.subarray(end + 4);
    const key = /^sec-websocket-key: *(\S+)/im.exec(head)?.[1];
    if (key !== undefined) {
      this.#switch(key);
      return false;
    }
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    if (length === 0) {
      this.#socket.write(hello);
      return this.#held.length > 0;
    }
    this.#bodyBytes = length;
    this.#leftBytes = length - Math.min(length, this.#held.length);
    this.#held = this.#held.subarray(length - this.#leftBytes);
    if (this.#leftBytes === 0) this.#answerUpload();
    return this.#held.length > 0;
  }

  #answerUpload(): void {
    const body = `bytes ${this.#bodyBytes}\n`;
    this.#socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }

  #switch(key: string): void {
    const accept = createHash('sha1')
      .update(key + acceptSuffix)
      .digest('base64');
    this.#socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    this.#echoes = true;
  }

  #echo(): void {
    const { echoed, rest } = echoFrames(this.#held);
    this.#held = rest;
    if (echoed.length > 0) this.#socket.write(echoed);
  }
}

const server = createServer({ noDelay: true }, (socket) => {
  const connection = new Connection(socket);
  socket.on('data', (bytes) => connection.receive(bytes));
  socket.on('error', () => socket.destroy());
});
server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4_096 }, () =>
  process.stdout.write('listening\n'),
);
