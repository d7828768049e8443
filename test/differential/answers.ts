/**
 * The answers on a client's side of the edge, read strictly as they come: what the edge writes is well-formed or it is
 * wrong. Written apart from the product's parser.
 */

export interface Answer {
  readonly status: number;
  /** Proxy-Status: the proxy has made this answer itself. */
  readonly proxyStatus: string | undefined;
  /** X-Seen: the method and the target that the backend understood. */
  readonly seen: string | undefined;
  /** Connection: close. */
  readonly closes: boolean;
  readonly body: Buffer;
}

const headEnd = Buffer.from('\r\n\r\n');
const fieldLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)$/;
const statusLine = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/;

interface Head {
  readonly status: number;
  readonly fields: ReadonlyMap<string, string>;
}

export class AnswerReader {
  readonly answers: Answer[] = [];
  /** What was wrong, once something was. */
  wrong: string | undefined;
  readonly #methods: readonly string[];
  readonly #whole: number;
  #bytes: Buffer = Buffer.alloc(0);
  #head: Head | undefined;
  #chunks: Buffer[] = [];
  #part: 'head' | 'sized' | 'chunked' | 'close' = 'head';

  /** `methods` of the requests, in order: an answer to HEAD has no body. The first `whole` of them are all there. */
  constructor(methods: readonly string[], whole: number) {
    this.#methods = methods;
    this.#whole = whole;
  }

  push(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
    try {
      while (this.wrong === undefined && this.#step());
    } catch (error) {
      this.wrong = error instanceof Error ? error.message : String(error);
    }
  }

  /** The connection has ended cleanly. */
  end(): void {
    if (this.wrong !== undefined) return;
    if (this.#part === 'close') this.#finish(this.#take(this.#bytes.length));
    else if (this.#part !== 'head') this.wrong = 'a body was cut';
    else if (this.#bytes.length > 0) this.wrong = 'a head was cut';
  }

  /** True when something was taken. */
  #step(): boolean {
    switch (this.#part) {
      case 'head':
        return this.#readHead();
      case 'sized':
        return this.#readSized();
      case 'chunked':
        return this.#readChunk();
      case 'close':
        return false;
      default:
        return this.#part satisfies never;
    }
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf(headEnd);
    if (end === -1) return false;
    const [line = '', ...lines] = this.#take(end + 4)
      .toString('latin1', 0, end)
      .split('\r\n');
    const status = Number(statusLine.exec(line)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw new Error(`no status line: ${JSON.stringify(line)}`);
    const fields = new Map<string, string>();
    for (const text of lines) {
      const [, name, value] = fieldLine.exec(text) ?? [];
      if (name === undefined || value === undefined)
        throw new Error(`no field line: ${JSON.stringify(text)}`);
      fields.set(name.toLowerCase(), value);
    }
    if (status < 200) return true;
    this.#head = { status, fields };
    const isHead = this.#methods[this.answers.length] === 'HEAD';
    if (isHead && fields.has('proxy-status') && this.answers.length >= this.#whole) {
      // A refusal in the middle of a request: it ends the connection, with a body or without.
      this.#part = 'close';
      return true;
    }
    if (isHead || status === 204 || status === 304) return this.#finish(Buffer.alloc(0));
    const isChunked = fields.has('transfer-encoding');
    if (isChunked && fields.has('content-length')) throw new Error('an answer with two framings');
    this.#part = isChunked ? 'chunked' : fields.has('content-length') ? 'sized' : 'close';
    return true;
  }

  #readSized(): boolean {
    const length = Number(this.#head?.fields.get('content-length'));
    return this.#bytes.length >= length && this.#finish(this.#take(length));
  }

  #readChunk(): boolean {
    const lineEnd = this.#bytes.indexOf('\r\n');
    if (lineEnd === -1) return false;
    const line = this.#bytes.toString('latin1', 0, lineEnd);
    if (!/^[0-9a-f]{1,8}$/.test(line)) throw new Error(`no chunk size: ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    if (size === 0) return this.#readTrailers(lineEnd);
    if (this.#bytes.length < lineEnd + size + 4) return false;
    this.#take(lineEnd + 2);
    this.#chunks.push(this.#take(size));
    if (this.#take(2).toString('latin1') !== '\r\n') throw new Error('no line end behind a chunk');
    return true;
  }

  #readTrailers(lineEnd: number): boolean {
    const end = this.#bytes.indexOf(headEnd, lineEnd);
    if (end === -1) return false;
    this.#take(end + 4);
    const body = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return this.#finish(body);
  }

  #finish(body: Buffer): true {
    const { status, fields } = this.#head ?? { status: 0, fields: new Map<string, string>() };
    this.answers.push({
      status,
      proxyStatus: fields.get('proxy-status'),
      seen: fields.get('x-seen'),
      closes: fields.get('connection') === 'close',
      body,
    });
    this.#part = 'head';
    return true;
  }

  #take(count: number): Buffer {
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }
}
