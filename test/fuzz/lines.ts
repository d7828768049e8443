/** Lines of HTTP as a second reader takes them: each whole, as text, by plain expressions. Ours must agree with it. */

export const TOKEN = String.raw`[!#$%&'*+.^_\x60|~0-9A-Za-z-]+`;
const NAME = new RegExp(`^(${TOKEN}):`);
const VALUE = /^[\t -~\x80-\xff]*$/;
const REQUEST = new RegExp(`^(${TOKEN}) ([!-~]+) HTTP/1\\.([01])$`);
const STATUS = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: ([\t -~\x80-\xff]*))?$/;

/** `name: value` of a field line without its CRLF; undefined when it is none. */
export function fieldOf(line: string): string | undefined {
  const [name, token = ''] = NAME.exec(line) ?? [];
  if (name === undefined) return undefined;
  const value = line.slice(name.length);
  if (!VALUE.test(value)) return undefined;
  let [from, to] = [0, value.length];
  while (from < to && ' \t'.includes(value[from] ?? '')) from++;
  while (to > from && ' \t'.includes(value[to - 1] ?? '')) to--;
  return `${token}: ${value.slice(from, to)}`;
}

export interface PlainHead {
  readonly start: string;
  readonly fields: readonly string[];
  /** Up to behind the empty line. */
  readonly bytes: number;
}

export interface PlainLimits {
  readonly headBytes: number;
  readonly lineBytes: number;
  readonly fields: number;
}

/** A whole head at the beginning of the text; undefined when there is none within the limits. */
export function wholeHead(
  text: string,
  kind: 'request' | 'response',
  limits: PlainLimits,
): PlainHead | undefined {
  let start = 0;
  while (start < 4 && text.startsWith('\r\n', start)) start += 2;
  let startLine: string | undefined;
  const fields: string[] = [];
  for (let at = start; ;) {
    const end = text.indexOf('\r\n', at);
    if (end === -1 || end + 2 - start > limits.headBytes || end - at > limits.lineBytes) return undefined;
    const line = text.slice(at, end);
    at = end + 2;
    if (startLine === undefined) {
      startLine = startOf(line, kind);
      if (startLine === undefined) return undefined;
    } else if (line === '') return { start: startLine, fields, bytes: at };
    else {
      const field = fieldOf(line);
      if (field === undefined || fields.length === limits.fields) return undefined;
      fields.push(field);
    }
  }
}

function startOf(line: string, kind: 'request' | 'response'): string | undefined {
  if (kind === 'request') {
    const [whole, method = '', target = '', minor = ''] = REQUEST.exec(line) ?? [];
    return whole === undefined ? undefined : `${method} ${target} 1.${minor}`;
  }
  const [whole, minor = '', status = '', reason = ''] = STATUS.exec(line) ?? [];
  return whole === undefined ? undefined : `1.${minor} ${status} ${reason}`;
}
