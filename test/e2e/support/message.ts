/**
 * HTTP/1.1 messages as these tests read them off a wire: strict enough to see a cut message for what it is, with every
 * field line kept in order, case and number. Written apart from the product's parser, so that the two can disagree.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import type { Wire } from './wire.ts';

export interface Head {
  readonly startLine: string;
  /** Field lines as they came, without their CRLF. */
  readonly lines: readonly string[];
}

export interface Message extends Head {
  readonly status: number;
  readonly framing: Framing;
  readonly body: Buffer;
  readonly trailers: readonly string[];
}

export type Framing = 'none' | 'sized' | 'chunked' | 'close';

export async function readHead(wire: Wire, withinMs?: number): Promise<Head> {
  const text = await wire.until('\r\n\r\n', withinMs);
  const [startLine = '', ...lines] = text.slice(0, -4).split('\r\n');
  return { startLine, lines };
}

/** Values of every line of that name, in order. */
export function values(head: Pick<Head, 'lines'>, name: string): string[] {
  const wanted = name.toLowerCase();
  return head.lines
    .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
    .filter(([found]) => found === wanted)
    .map(([, found]) => found ?? '');
}

/** The one value of a field that may stand once; more than one line is a failure of its own. */
export function value(head: Pick<Head, 'lines'>, name: string): string | undefined {
  const all = values(head, name);
  if (all.length > 1) throw new Error(`${name} stands ${all.length} times: ${all.join(' | ')}`);
  return all[0];
}

export function status(head: Head): number {
  const match = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(head.startLine);
  if (match === null) throw new Error(`no status line: ${head.startLine}`);
  return Number(match[1]);
}

/** A chunked body as it comes: bytes by count, then its end. The sizes of the chunks are the sender's affair. */
export class ChunkedBody {
  readonly #wire: Wire;
  #held: Buffer = Buffer.alloc(0);
  #trailers: string[] | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Its last chunk has been read. */
  get hasEnded(): boolean {
    return this.#trailers !== undefined;
  }

  /** Exactly `count` decoded bytes. */
  async take(count: number, withinMs?: number): Promise<Buffer> {
    while (this.#held.length < count) {
      if (!(await this.#nextChunk(withinMs)))
        throw new Error(`ended ${count - this.#held.length} bytes too early`);
    }
    const bytes = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return bytes;
  }

  /** All that is left, to the last chunk and its trailers. */
  async rest(withinMs?: number): Promise<{ bytes: Buffer; trailers: string[] }> {
    while (await this.#nextChunk(withinMs));
    return { bytes: this.#held, trailers: this.#trailers ?? [] };
  }

  async #nextChunk(withinMs?: number): Promise<boolean> {
    if (this.#trailers !== undefined) return false;
    const line = (await this.#wire.until('\r\n', withinMs)).slice(0, -2);
    if (!/^[0-9A-Fa-f]+(;.*)?$/.test(line)) throw new Error(`no chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    if (size === 0) {
      this.#trailers = await this.#readTrailers(withinMs);
      return false;
    }
    const data = await this.#wire.take(size + 2, withinMs);
    if (data.toString('latin1', size) !== '\r\n') throw new Error('no CRLF behind the chunk');
    this.#held = Buffer.concat([this.#held, data.subarray(0, size)]);
    return true;
  }

  async #readTrailers(withinMs?: number): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = (await this.#wire.until('\r\n', withinMs)).slice(0, -2);
      if (line === '') return lines;
      lines.push(line);
    }
  }
}

/** One whole response. Rejects where it is cut short. `method` decides whether there is a body at all (RFC 9112 §6.3). */
export async function readResponse(wire: Wire, method = 'GET', withinMs?: number): Promise<Message> {
  const head = await readHead(wire, withinMs);
  const code = status(head);
  const rest = { ...head, status: code, trailers: [] };
  if (method === 'HEAD' || code < 200 || code === 204 || code === 304) {
    return { ...rest, framing: 'none', body: Buffer.alloc(0) };
  }
  const coding = value(head, 'transfer-encoding');
  const length = value(head, 'content-length');
  if (coding !== undefined) {
    if (length !== undefined) throw new Error('Transfer-Encoding beside Content-Length');
    const { bytes, trailers } = await new ChunkedBody(wire).rest(withinMs);
    return { ...rest, framing: 'chunked', body: bytes, trailers };
  }
  if (length !== undefined) {
    return { ...rest, framing: 'sized', body: await wire.take(Number(length), withinMs) };
  }
  if ((await wire.left(withinMs)) === 'reset') throw new Error('reset in a close-delimited body');
  return { ...rest, framing: 'close', body: await wire.take(wire.unread.length) };
}

/** The bytes of one chunk. */
export function chunk(text: string | Uint8Array): Buffer {
  const data = typeof text === 'string' ? Buffer.from(text, 'latin1') : text;
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
}

export const lastChunk = '0\r\n\r\n';
