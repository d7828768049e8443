/**
 * http-parser-js as a judge: every connection is fed to a parser of its own, whatever it says is recorded and answered.
 * Some inputs make it loop for ever; whoever started this process sees that it falls silent.
 */
import { createServer, type Socket } from 'node:net';
import { HTTPParser } from 'http-parser-js';
import { listen } from '../../e2e/support/listen.ts';
import type { BackendRecord } from '../record.ts';
import { Body, emptyRecord, endWithParent, glance, say, sayListening } from './backend.ts';

endWithParent();
const server = createServer({ allowHalfOpen: true }, (socket) => {
  const connection = new Connection(socket);
  socket.on('data', (bytes) => connection.receive(bytes));
  socket.on('end', () => connection.end());
  socket.on('error', () => socket.destroy());
  socket.on('close', () => connection.gone());
});
sayListening(await listen(server));

class Connection {
  readonly #socket: Socket;
  readonly #parser = new HTTPParser(HTTPParser.REQUEST);
  #current: BackendRecord | undefined;
  #body = new Body();
  #received = '';

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#parser[HTTPParser.kOnHeadersComplete] = (info) => {
      const { headers, url: target } = info;
      const method = typeof info.method === 'number' ? (HTTPParser.methods[info.method] ?? '') : info.method;
      const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
      this.#current = { ...emptyRecord, kind: 'request', method, target, host: headers[at + 1] ?? '' };
      this.#body = new Body();
    };
    this.#parser[HTTPParser.kOnBody] = (bytes, offset, length) => {
      this.#body.push(bytes.subarray(offset, offset + length));
    };
    this.#parser[HTTPParser.kOnMessageComplete] = () => this.#answer();
  }

  receive(bytes: Buffer): void {
    this.#received = (this.#received + bytes.toString('latin1')).slice(0, 4_096);
    const result = this.#parser.execute(bytes);
    if (result instanceof Error) this.#refuse(result);
  }

  end(): void {
    this.#socket.end();
  }

  gone(): void {
    if (this.#current !== undefined) say({ ...this.#current, kind: 'incomplete', body: this.#body.text });
    this.#current = undefined;
  }

  #answer(): void {
    const seen = this.#current;
    if (seen === undefined) return;
    this.#current = undefined;
    this.#received = '';
    say({ ...seen, body: this.#body.text });
    const body = seen.method === 'HEAD' ? '' : 'seen\n';
    this.#socket.write(
      `HTTP/1.1 200 OK\r\nX-Seen: ${seen.method} ${seen.target}\r\nContent-Length: 5\r\n\r\n${body}`,
      'latin1',
    );
  }

  #refuse(error: Error): void {
    const reason = 'code' in error ? String(error.code) : error.message;
    say({ ...(this.#current ?? { ...emptyRecord, ...glance(this.#received) }), kind: 'refusal', reason });
    this.#current = undefined;
    this.#socket.removeAllListeners('data');
    this.#socket.resume();
    this.#socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  }
}
