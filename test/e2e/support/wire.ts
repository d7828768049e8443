/**
 * One end of a TCP connection as a transcript: write these bytes, read until those, see how the other end left.
 * Text is latin1 everywhere, so that a string is the bytes. It knows no HTTP.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';
import { patienceMs, within } from './deadline.ts';

/** How the other end left: a clean end of its bytes (FIN), or a reset (RST). */
export type Leaving = 'fin' | 'reset';

export class Wire {
  readonly socket: Socket;
  /** What has arrived and was not read, joined only when somebody looks: megabytes come in thousands of pieces. */
  #pieces: Buffer[] = [];
  #unreadBytes = 0;
  #seen = '';
  #leaving: Leaving | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => {
      this.#pieces.push(bytes);
      this.#unreadBytes += bytes.length;
      this.#seen = (this.#seen + bytes.toString('latin1', 0, 400)).slice(-400);
      this.#tell();
    });
    socket.on('end', () => this.#leave('fin'));
    socket.on('error', () => this.#leave('reset'));
    socket.on('close', (hadError) => this.#leave(hadError ? 'reset' : 'fin'));
  }

  /** What has arrived and was not read yet. */
  get unread(): Buffer {
    const joined = this.#pieces.length === 1 ? this.#pieces[0] : undefined;
    if (joined !== undefined) return joined;
    const bytes = Buffer.concat(this.#pieces);
    this.#pieces = [bytes];
    return bytes;
  }

  get leaving(): Leaving | undefined {
    return this.#leaving;
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** A clean end of our bytes; reading goes on. */
  end(): void {
    this.socket.end();
  }

  /** Gone without a word: the other end gets a RST, as when a program was killed with bytes unread. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Reads up to and with `needle`. Rejects if the other end leaves, or the time passes, before it came. */
  async until(needle: string, withinMs = patienceMs): Promise<string> {
    await this.#wait(() => this.unread.includes(needle, 0, 'latin1'), JSON.stringify(needle), withinMs);
    return this.#shift(this.unread.indexOf(needle, 0, 'latin1') + needle.length).toString('latin1');
  }

  /** Reads exactly `count` bytes. */
  async take(count: number, withinMs = patienceMs): Promise<Buffer> {
    await this.#wait(() => this.#unreadBytes >= count, `${count} bytes`, withinMs);
    return this.#shift(count);
  }

  /** Reads at least one byte: whatever is there. */
  async some(withinMs = patienceMs): Promise<Buffer> {
    await this.#wait(() => this.#unreadBytes > 0, 'a byte', withinMs);
    return this.#shift(this.#unreadBytes);
  }

  /** How the other end left; its unread bytes can still be read. */
  async left(withinMs = patienceMs): Promise<Leaving> {
    const leaving = async (): Promise<Leaving> => {
      while (this.#leaving === undefined) await this.#changed.promise;
      return this.#leaving;
    };
    return within(withinMs, () => `the other end to leave, after …${JSON.stringify(this.#seen)}`, leaving());
  }

  /**
   * The other end's socket no longer exists. A FIN alone could be a half-close: a few bytes are written behind it,
   * and only a closed socket answers them with a RST.
   */
  async closed(withinMs = patienceMs): Promise<void> {
    const closing = async (): Promise<void> => {
      if ((await this.left(withinMs)) === 'reset' || this.socket.destroyed) return;
      const gone = Promise.withResolvers<void>();
      this.socket.once('close', () => gone.resolve());
      const knock = setInterval(() => this.socket.write('?'), 20);
      await gone.promise.finally(() => clearInterval(knock));
    };
    return within(withinMs, () => 'the other end to close its socket', closing());
  }

  async #wait(isThere: () => boolean, what: string, withinMs: number): Promise<void> {
    const arriving = async (): Promise<void> => {
      while (!isThere()) {
        if (this.#leaving !== undefined) throw new Error(`${this.#leaving} before ${what}; ${this.#story()}`);
        await this.#changed.promise;
      }
    };
    return within(withinMs, () => `${what}; ${this.#story()}`, arriving());
  }

  #story(): string {
    return `unread ${this.#unreadBytes} bytes, last seen …${JSON.stringify(this.#seen)}`;
  }

  #shift(count: number): Buffer {
    const { unread } = this;
    this.#pieces = [unread.subarray(count)];
    this.#unreadBytes -= count;
    return unread.subarray(0, count);
  }

  #leave(leaving: Leaving): void {
    // A reset that follows a FIN is only the end of the same story; the first word counts.
    this.#leaving ??= leaving;
    this.#tell();
  }

  #tell(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
  }
}

/** Where a scenario's client connects. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** A client's end of a fresh connection; destroyed when the test is over. */
export async function dial(t: Test, target: Target): Promise<Wire> {
  const socket = connect({ host: target.host, port: target.port, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  const wire = new Wire(socket);
  const up = Promise.withResolvers<void>();
  socket.once('connect', () => up.resolve());
  socket.once('error', (error) => up.reject(error));
  await within(patienceMs, () => `a connection to ${target.host}:${target.port}`, up.promise);
  return wire;
}
