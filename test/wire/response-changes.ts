/**
 * Responses that show every change on the way to a client: what a backend says to which request, and each line that
 * differs at the client under the key of its row in docs/http.md.
 */
import { gone, refusedTrailers, type Changes } from './request-changes.ts';

export interface ResponseCase {
  readonly what: string;
  readonly method?: string;
  readonly version?: '1.0' | '1.1';
  /** Lines of the request behind Host. */
  readonly asking?: readonly string[];
  readonly answer: string;
  /** The backend ends its connection behind it. */
  readonly ends?: boolean;
  readonly changes: Changes;
}

const hop = [
  'Connection: keep-alive, X-Private',
  'Keep-Alive: timeout=5',
  'Close: 1',
  'Proxy-Connection: 2',
  'TE: 3',
];
const reserved = ['Proxy-Status: forged; error=connection_refused', 'X-Inverting-Proxy-Node: 1'];
const aliases = ['Keep_Alive: 1', 'Proxy_Status: 2', 'Transfer_Encoding: chunked'];

function text(lines: readonly string[], body = ''): string {
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

const chunked = text(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'X: 1'], '5\r\nhello\r\n0\r\n\r\n');
/** Our own framing stands behind the fields that pass. */
const moved = ['- Transfer-Encoding: chunked', '+ Transfer-Encoding: chunked'];

export const responseCases: readonly ResponseCase[] = [
  {
    what: 'nothing special',
    answer: text(['HTTP/1.1 200 OK', 'Date: x', 'Content-Length: 2'], 'ok'),
    changes: {},
  },
  {
    what: 'fields of the hop',
    answer: text(['HTTP/1.1 200 OK', ...hop, ...reserved, ...aliases, 'X-Private: 1', 'Content-Length: 0']),
    changes: {
      'response-hop': gone(hop),
      'response-named': ['- X-Private: 1'],
      'response-reserved': gone(reserved),
      'response-aliases': gone(aliases),
    },
  },
  {
    what: 'HTTP/1.0',
    answer: text(['HTTP/1.0 200 OK', 'Content-Length: 2'], 'ok'),
    changes: { 'response-version': ['- HTTP/1.0 200 OK', '+ HTTP/1.1 200 OK'] },
  },
  {
    what: 'a status without the blank behind it',
    answer: text(['HTTP/1.1 200', 'Content-Length: 0']),
    changes: { 'response-reason': ['- HTTP/1.1 200', '+ HTTP/1.1 200 '] },
  },
  {
    what: 'empty lines first',
    answer: text(['', '', 'HTTP/1.1 200 OK', 'Content-Length: 0']),
    changes: { 'response-empty-lines': ['- ', '- '] },
  },
  {
    what: 'chunks, oddly written',
    answer: text(
      ['HTTP/1.1 200 OK', 'Transfer-Encoding: CHUNKED', 'X: 1'],
      '03\r\nabc\r\nA\r\n0123456789\r\n1;a=b\r\nx\r\n00\r\n\r\n',
    ),
    changes: {
      'response-transfer-encoding': ['- Transfer-Encoding: CHUNKED', '+ Transfer-Encoding: chunked'],
      'response-chunk-sizes': ['- 03', '+ 3', '- A', '+ a', '- 00', '+ 0'],
      'response-chunk-extensions': ['- 1;a=b', '+ 1'],
    },
  },
  {
    what: 'trailers to who takes them',
    asking: ['TE: trailers', 'Connection: TE'],
    answer: text(
      ['HTTP/1.1 200 OK', 'Connection: X-Private', 'X: 1', 'Transfer-Encoding: chunked'],
      `0\r\nX-Kept: 1\r\n${refusedTrailers.join('\r\n')}\r\nX-Private: 1\r\nX-Sum:\t42 \r\n\r\n`,
    ),
    changes: {
      'response-hop': ['- Connection: X-Private'],
      'response-trailer-fields': gone(refusedTrailers),
      'response-trailer-named': ['- X-Private: 1'],
      'response-trailer-blanks': ['- X-Sum:\t42 ', '+ X-Sum: 42'],
    },
  },
  {
    what: 'trailers to who has not asked for them',
    answer: text(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], '0\r\nX-Sum: 42\r\n\r\n'),
    changes: { 'response-trailers': ['- X-Sum: 42'] },
  },
  {
    what: 'a body that ends with the connection',
    answer: text(['HTTP/1.1 200 OK', 'X: 1'], 'hello'),
    ends: true,
    changes: { 'response-until-end': ['+ Transfer-Encoding: chunked', '+ 5', '+ 0', '+ ', '+ '] },
  },
  {
    what: 'chunks to HTTP/1.0',
    version: '1.0',
    answer: chunked,
    changes: {
      'response-unchunked': ['- Transfer-Encoding: chunked', '- 5', '- 0', '- ', '- '],
      'response-close': ['+ Connection: close'],
    },
  },
  {
    what: 'chunks in their place',
    answer: chunked,
    changes: { 'response-transfer-encoding': moved },
  },
  {
    what: 'an interim answer to HTTP/1.0',
    version: '1.0',
    answer: text(['HTTP/1.1 103 Early Hints', 'Link: </x>']) + text(['HTTP/1.1 200 OK', 'Content-Length: 0']),
    changes: {
      'response-interim': ['- HTTP/1.1 103 Early Hints', '- Link: </x>', '- '],
      'response-close': ['+ Connection: close'],
    },
  },
  {
    what: 'an answer to the last request',
    asking: ['Connection: close'],
    answer: text(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'ok'),
    changes: { 'response-close': ['+ Connection: close'] },
  },
  {
    what: 'lengths, oddly written',
    answer: text(['HTTP/1.1 200 OK', 'Content-Length: 02, 02', 'content-length: 02'], 'ok'),
    changes: {
      'response-content-length': ['- Content-Length: 02, 02', '- content-length: 02', '+ Content-Length: 2'],
    },
  },
  {
    what: 'lengths where no body is',
    answer:
      text(['HTTP/1.1 103 Early Hints', 'Content-Length: 3']) +
      text(['HTTP/1.1 204 No Content', 'Content-Length: 0']),
    changes: { 'response-no-body': ['- Content-Length: 3', '- Content-Length: 0'] },
  },
  {
    what: 'chunks that a HEAD does not get',
    method: 'HEAD',
    answer: text(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'X: 1']),
    changes: { 'response-no-body': ['- Transfer-Encoding: chunked'] },
  },
  {
    what: 'an upgrade',
    asking: ['Connection: Upgrade', 'Upgrade: websocket'],
    answer: text(['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket']),
    changes: { 'response-upgrade': ['- Connection: Upgrade', '+ Connection: upgrade'] },
  },
  {
    what: 'an upgrade that is asked for, and one that is only mentioned',
    answer:
      text(['HTTP/1.1 103 Early Hints', 'Upgrade: h2c']) +
      text(['HTTP/1.1 426 Upgrade Required', 'Connection: Upgrade', 'Upgrade: x', 'Content-Length: 0']),
    changes: { 'response-upgrade': ['- Upgrade: h2c', '- Connection: Upgrade', '+ Connection: upgrade'] },
  },
  {
    what: 'more than was announced',
    answer: text(['HTTP/1.1 200 OK', 'Content-Length: 2'], 'okHTTP/1.1 200 OK\r\n\r\n'),
    changes: { 'response-excess': ['- okHTTP/1.1 200 OK', '- ', '- ', '+ ok'] },
  },
];
