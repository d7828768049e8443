/**
 * A TCP socket with its first bytes put back, for TLS: node's TLS reads a plain socket below JavaScript, where bytes
 * that were read already cannot be given back. It costs a copy more, and only behind the PROXY protocol.
 */
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';

export class UnreadSocket extends Duplex {
  readonly #tcp: Socket;

  constructor(tcp: Socket, first: Uint8Array) {
    super({ allowHalfOpen: true });
    this.#tcp = tcp;
    this.push(first);
    tcp.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) tcp.pause();
    });
    tcp.on('end', () => this.push(null));
    tcp.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#tcp.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#tcp.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#tcp.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#tcp.destroy();
    done(error);
  }
}
