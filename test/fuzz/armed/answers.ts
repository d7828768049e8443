/**
 * What came back on a connection, judged as HTTP/1.1 by a reader that is strict and knows nothing of ours: whole answers
 * one after the other, each with a status that the proxy or the backend of these tests has.
 */

/** RFC 9110 statuses that the proxy says itself. 500 is not among them: it would be a mistake of the proxy. */
const ours: ReadonlySet<number> = new Set([
  200, 201, 204, 302, 303, 400, 401, 403, 404, 405, 408, 409, 411, 412, 413, 414, 415, 417, 421, 426, 429,
  431, 501, 502, 503, 504, 505, 508,
]);
/** Refusals of bytes that make no head: whether they would have been one of HEAD, nobody knows. */
const unreadCodes: readonly string[] =
  'first_byte bare_cr bare_lf request_line_too_long head_too_large too_many_fields request_line version obs_fold no_colon field_name field_value eof_in_head head_timeout'.split(
    ' ',
  );
const statusLine = /^HTTP\/1\.1 ([1-5]\d\d) [\t -~\x80-\xff]*$/;
const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*([\t -~\x80-\xff]*)$/;

export interface Answer {
  readonly status: number;
  readonly fields: ReadonlyMap<string, readonly string[]>;
  readonly body: string;
}

export interface Read {
  readonly answers: readonly Answer[];
  /** The last one was cut short; then the connection has to be reset. */
  readonly isCut: boolean;
  readonly wrong: string | undefined;
}

/** @param isHead of the first request: what its answer says of a body is not there */
export function readAnswers(text: string, isHead: boolean, ended: 'fin' | 'reset'): Read {
  const answers: Answer[] = [];
  let at = 0;
  while (at < text.length) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd === -1) return { answers, isCut: true, wrong: undefined };
    const head = readHead(text.slice(at, headEnd));
    if (typeof head === 'string') return { answers, isCut: false, wrong: head };
    at = headEnd + 4;
    // An interim answer has no body; behind 101 it is HTTP no more.
    if (head.status === 101)
      return { answers: [...answers, { ...head, body: text.slice(at) }], isCut: false, wrong: undefined };
    const isFirst = answers.every(({ status }) => status < 200);
    const body =
      isHead && isFirst && !(at < text.length && isOfUnread(head))
        ? { end: at, data: '' }
        : readBody(text, at, head, ended);
    if (body === undefined) return { answers, isCut: true, wrong: undefined };
    answers.push({ ...head, body: body.data });
    at = body.end;
  }
  return { answers, isCut: false, wrong: undefined };
}

/** A head that could not be read whole has no method: what is said of it says so, and the connection ends. */
function isOfUnread({ fields }: Omit<Answer, 'body'>): boolean {
  const said = fields.get('proxy-status')?.join() ?? '';
  return (
    said.includes('error=http_request_error') &&
    unreadCodes.some((code) => said.endsWith(`details="${code}"`))
  );
}

export function wrongWith({ status, fields }: Answer): string | undefined {
  const isBackends = fields.has('x-backend') || status < 200;
  if (!isBackends && !ours.has(status)) return `the status ${status} is nobody's`;
  const location = fields.get('location')?.[0];
  if (location !== undefined && !/^(?:\/|https?:\/\/)[!-~]*$/.test(location)) return `Location: ${location}`;
  return undefined;
}

function readHead(text: string): Omit<Answer, 'body'> | string {
  const [first = '', ...lines] = text.split('\r\n');
  const status = statusLine.exec(first)?.[1];
  if (status === undefined) return `a status line: ${JSON.stringify(first.slice(0, 200))}`;
  const fields = new Map<string, readonly string[]>();
  for (const line of lines) {
    const [, name, value] = fieldLine.exec(line) ?? [];
    if (name === undefined || value === undefined)
      return `a field line: ${JSON.stringify(line.slice(0, 200))}`;
    const key = name.toLowerCase();
    fields.set(key, [...(fields.get(key) ?? []), value]);
  }
  return { status: Number(status), fields };
}

function readBody(
  text: string,
  at: number,
  { status, fields }: Omit<Answer, 'body'>,
  ended: 'fin' | 'reset',
): { end: number; data: string } | undefined {
  if (status < 200 || status === 204 || status === 304) return { end: at, data: '' };
  if (fields.get('transfer-encoding')?.join() === 'chunked') return readChunks(text, at);
  const length = fields.get('content-length')?.join();
  if (length === undefined) return ended === 'fin' ? { end: text.length, data: text.slice(at) } : undefined;
  const end = at + Number(length);
  return end <= text.length ? { end, data: text.slice(at, end) } : undefined;
}

function readChunks(text: string, from: number): { end: number; data: string } | undefined {
  let at = from;
  let data = '';
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (size === 0) {
      const end = text.indexOf('\r\n\r\n', lineEnd);
      return end === -1 ? undefined : { end: end + 4, data };
    }
    at = lineEnd + 2 + size + 2;
    if (!(at <= text.length)) return undefined;
    data += text.slice(lineEnd + 2, at - 2);
  }
}
