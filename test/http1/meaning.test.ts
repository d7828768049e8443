/** What a head means to those who act on it (rules 12, 13, 16, 19, 20, 23, 25, 36-38, 46): every value they are given. */
import { test } from 'tap';
import { HeadScanner } from '../../shared/http1/head.ts';
import { Refusal } from '../../shared/http1/refusal.ts';
import { readRequest, readResponse } from '../../shared/http1/rules.ts';
import type {
  RequestMeaning,
  RequestOfResponse,
  RequestOptions,
  ResponseMeaning,
} from '../../shared/http1/rules.ts';
import type { Version } from '../../shared/http1/start-line.ts';
import { responseFramingToClient } from '../../shared/http1/write.ts';
import { byteByByte, latin1 } from './pieces.ts';

const text = (lines: readonly string[]): string => [...lines, '', ''].join('\r\n');

function requestOf(lines: readonly string[], options: Partial<RequestOptions> = {}): RequestMeaning {
  const scanner = new HeadScanner('request');
  const head = scanner.push(latin1(text(lines)));
  if (head === undefined) throw new Error('no head');
  return readRequest(head, { viaName: 'edge', ...options });
}

function responseOf(lines: readonly string[], request: Partial<RequestOfResponse> = {}): ResponseMeaning {
  const scanner = new HeadScanner('response');
  const head = scanner.push(latin1(text(lines)));
  if (head === undefined) throw new Error('no head');
  return readResponse(head, { method: 'GET', version: '1.1', ...request });
}

const get = (...lines: string[]): readonly string[] => ['GET /a HTTP/1.1', 'Host: h', ...lines];
const old = (...lines: string[]): readonly string[] => ['GET /a HTTP/1.0', 'Host: h', ...lines];
const options = (...lines: string[]): readonly string[] => ['OPTIONS /a HTTP/1.1', 'Host: h', ...lines];
const ok = (...lines: string[]): readonly string[] => ['HTTP/1.1 200 OK', ...lines];

test('rule 12: the host as it is compared, the authority as it was sent', (t) => {
  const rows = [
    ['h', 'h'],
    ['H.Example.COM.', 'h.example.com'],
    ['h.:8080', 'h'],
    ['H:1', 'h'],
    ['xn--Bcher-KVA.example:65535', 'xn--bcher-kva.example'],
    ['192.0.2.1:80', '192.0.2.1'],
    ['[2001:DB8::A]:443', '[2001:db8::a]'],
    ['my_Host', 'my_host'],
  ] as const;
  for (const [sent, host] of rows) {
    const meaning = requestOf(['GET / HTTP/1.1', `Host:\t${sent} `]);
    t.strictSame([meaning.host, meaning.authority], [host, sent], sent);
  }
  t.end();
});

test('rules 13, 14: the target to send on, and the path that routes', (t) => {
  const rows = [
    ['GET /', '/', '/'],
    ['GET /a?b?c/d', '/a?b?c/d', '/a'],
    ['GET /?', '/?', '/'],
    ['GET //x/../%2f', '//x/../%2f', '//x/../%2f'],
    ['GET http://h', '/', '/'],
    ['GET http://h/a?b', '/a?b', '/a'],
    ['GET http://h?b', '/?b', '/'],
    ['OPTIONS *', '*', '*'],
    ['OPTIONS http://h', '*', '*'],
    ['OPTIONS http://h/', '/', '/'],
  ] as const;
  for (const [line, target, path] of rows) {
    const meaning = requestOf([`${line} HTTP/1.1`, 'Host: h']);
    t.strictSame([meaning.target, meaning.path], [target, path], line);
  }
  t.end();
});

test('rules 16, 17: how long the body is, and how long it may be', (t) => {
  t.strictSame(requestOf(get()).framing, { kind: 'none' });
  t.strictSame(requestOf(get('Transfer-Encoding: chunked')).framing, { kind: 'chunked' });
  t.strictSame(requestOf(get('Content-Length: 0')).framing, { kind: 'sized', length: 0 });
  t.strictSame(requestOf(get('Content-Length: 5'), { bodyBytes: 5 }).framing, { kind: 'sized', length: 5 });
  try {
    requestOf(get('Content-Length: 6'), { bodyBytes: 5 });
    t.fail('a body over the limit passes');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    t.strictSame([error.code, error.answer.status], ['body_too_large', 413]);
  }
  t.end();
});

test('rules 19, 46: whether the connection goes on', (t) => {
  const rows = [
    [get(), true],
    [get('Connection: keep-alive'), true],
    [get('Connection: close'), false],
    [get('Connection: Close'), false],
    [get('Connection: a,CLOSE'), false],
    [get('Connection: a', 'Connection: close'), false],
    [get('Connection: closed, not-close'), true],
    [old(), false],
    [old('Connection: keep-alive'), false],
  ] as const;
  for (const [lines, goesOn] of rows) t.equal(requestOf(lines).keepAlive, goesOn, lines.join(' | '));
  t.end();
});

test('rule 20: who can read trailers', (t) => {
  const rows = [
    [get(), false],
    [get('TE: trailers'), true],
    [get('TE: gzip, Trailers'), true],
    [get('TE: gzip', 'TE: trailers'), true],
    [get('TE: trailers;q=1'), false],
    [get('TE: not-trailers'), false],
    [get('T_E: trailers'), false],
    [old('TE: trailers'), false],
  ] as const;
  for (const [lines, reads] of rows) t.equal(requestOf(lines).wantsTrailers, reads, lines.join(' | '));
  t.end();
});

test('rule 23: the upgrade that is asked for', (t) => {
  const rows = [
    [get('Connection: upgrade', 'Upgrade: a/1, B'), 'a/1, B'],
    [get('Connection: x', 'Connection: UPGRADE', 'Upgrade: a'), 'a'],
    [get('Connection: upgrade', 'Upgrade: a', 'Content-Length: 0'), 'a'],
    [get('Connection: upgrade', 'Upgrade: a', 'Content-Length: 1'), undefined],
    [get('Connection: upgrade', 'Upgrade: a', 'Transfer-Encoding: chunked'), undefined],
    [get('Connection: upgrade'), undefined],
    [get('Connection: upgrade', 'Upgrade: '), undefined],
    [get('Connection: upgrade', 'Upgrade: a', 'Upgrade: a'), undefined],
    [get('Connection: upgrade', 'Upgrade: a, xh2cx'), undefined],
    [get('Connection: upgrade', 'Upgrade: HtTp/1.1'), undefined],
    [get('Connection: upgrades', 'Upgrade: a'), undefined],
    [get('Upgrade: a'), undefined],
    [old('Connection: upgrade', 'Upgrade: a'), undefined],
  ] as const;
  for (const [lines, asked] of rows) t.equal(requestOf(lines).upgrade, asked, lines.join(' | '));
  t.end();
});

test('rule 25: Max-Forwards', (t) => {
  const rows = [
    [options('Max-Forwards: 0'), 0],
    [options('Max-Forwards: 00'), 0],
    [options('Max-Forwards: 9007199254740991'), 9007199254740991],
    [options('Max-Forwards: 9007199254740992'), undefined],
    [options('Max-Forwards: -1'), undefined],
    [options('Max-Forwards:'), undefined],
    [options('Max-Forwards: 1', 'Max-Forwards: 1'), undefined],
    [options('Max_Forwards: 0'), undefined],
    [options(), undefined],
    [get('Max-Forwards: 0'), undefined],
  ] as const;
  for (const [lines, hops] of rows) t.equal(requestOf(lines).maxForwards, hops, lines.join(' | '));
  t.end();
});

/** `chunked reusable`, `none interim`, `sized reusable 3`. */
function wordsOf({ interim, switching, keepAlive, contentLength, framing }: ResponseMeaning): string {
  return [
    framing.kind,
    interim && 'interim',
    switching && 'switching',
    keepAlive && 'reusable',
    contentLength,
  ]
    .filter((word) => word !== false && word !== undefined)
    .join(' ');
}

test('rules 36-38: what a response is', (t) => {
  const head: Partial<RequestOfResponse> = { method: 'HEAD' };
  const offered: Partial<RequestOfResponse> = { upgrade: 'a, b/1' };
  const rows = [
    [ok('Content-Length: 3'), {}, 'sized reusable 3'],
    [ok('Content-Length: 3', 'Connection: close'), {}, 'sized 3'],
    [ok('Content-Length: 3', 'Connection: a, Close'), {}, 'sized 3'],
    [ok('Transfer-Encoding: chunked'), {}, 'chunked reusable'],
    [ok(), {}, 'close'],
    [ok('Connection: keep-alive'), {}, 'close'],
    [['HTTP/1.0 200 OK', 'Content-Length: 3', 'Connection: keep-alive'], {}, 'sized 3'],
    [['HTTP/1.1 100 X'], {}, 'none interim reusable'],
    [['HTTP/1.1 199 X', 'Content-Length: 3'], {}, 'none interim reusable'],
    [['HTTP/1.1 204 X', 'Content-Length: 3'], {}, 'none reusable'],
    [['HTTP/1.1 205 X', 'Content-Length: 0'], {}, 'sized reusable 0'],
    [['HTTP/1.1 304 X', 'Content-Length: 3'], {}, 'none reusable 3'],
    [['HTTP/1.1 304 X'], {}, 'none reusable'],
    [ok('Content-Length: 3'), head, 'none reusable 3'],
    [ok('Content-Length: 3, 3'), head, 'none reusable 3'],
    [ok('Transfer-Encoding: chunked', 'Content-Length: 3'), head, 'none reusable'],
    [ok(), head, 'none reusable'],
    [['HTTP/1.1 101 X', 'Connection: upgrade', 'Upgrade: A'], offered, 'none switching'],
    [['HTTP/1.1 101 X', 'Connection: upgrade', 'Upgrade: b/1, a'], offered, 'none switching'],
    [['HTTP/1.1 101 X', 'Connection: upgrade', 'Upgrade: b/1', 'Upgrade: a'], offered, 'none switching'],
  ] as const;
  for (const [lines, request, says] of rows)
    t.equal(wordsOf(responseOf(lines, request)), says, lines.join(' | '));
  const refused = [
    [['HTTP/1.1 101 X', 'Connection: upgrade', 'Upgrade: b'], offered],
    [['HTTP/1.1 101 X', 'Connection: upgrade', 'Upgrade: a', 'Upgrade: c'], offered],
    [['HTTP/1.1 101 X', 'Connection: upgrade'], offered],
    [['HTTP/1.1 101 X', 'Connection: close', 'Upgrade: a'], offered],
    [['HTTP/1.1 101 X', 'Connection: upgrade', 'Upgrade: a'], {}],
  ] as const;
  for (const [lines, request] of refused) {
    t.throws(() => responseOf(lines, request), { code: 'switching' }, lines.join(' | '));
  }
  t.end();
});

function framingTo(version: Version, lines: readonly string[]): string {
  return responseFramingToClient(responseOf(lines, { version }), { version });
}

test('rule 41: how the body goes to the client', (t) => {
  const rows = [
    ['sized', framingTo('1.1', ok('Content-Length: 3')), framingTo('1.0', ok('Content-Length: 3'))],
    [
      'chunked',
      framingTo('1.1', ok('Transfer-Encoding: chunked')),
      framingTo('1.0', ok('Transfer-Encoding: chunked')),
    ],
    ['close-delimited', framingTo('1.1', ok()), framingTo('1.0', ok())],
  ];
  t.strictSame(rows, [
    ['sized', 'sized', 'sized'],
    ['chunked', 'chunked', 'close'],
    ['close-delimited', 'chunked', 'close'],
  ]);
  t.end();
});

test('fields are found by name in any case, and by nothing else', (t) => {
  const head = new HeadScanner('request').push(
    latin1(text(get('A-b: 1', '__proto__: 2', 'a-B: 3', 'a_b: 4'))),
  );
  if (head === undefined) throw new Error('no head');
  const { fields } = head;
  t.strictSame([fields.get('a-b'), fields.all('a-b')], ['1', ['1', '3']]);
  t.strictSame(
    [fields.get('__proto__'), fields.get('constructor'), fields.get('a')],
    ['2', undefined, undefined],
  );
  t.strictSame(
    [fields.length, [...fields].map(({ name }) => name).join(' ')],
    [5, 'Host A-b __proto__ a-B a_b'],
  );
  t.end();
});

test('the scanner says what it took, and goes on where it is told', (t) => {
  const bytes = latin1(`\r\n${text(get('A: 1'))}body`);
  const scanner = new HeadScanner('request');
  t.notOk(scanner.started);
  t.equal(scanner.push(latin1('\r\n')), undefined);
  t.strictSame([scanner.started, scanner.consumed], [false, 2], 'an empty line is taken and begins nothing');
  scanner.end();
  t.ok(scanner.push(bytes), 'the head is there');
  t.strictSame([scanner.started, scanner.consumed], [true, bytes.length - 4]);
  scanner.end();
  t.throws(() => scanner.push(bytes), /without a reset/);
  scanner.reset();
  t.ok(scanner.push(bytes, 2), 'from an offset');
  t.equal(scanner.consumed, bytes.length - 6, 'counted from it');
  scanner.reset();
  for (const byte of byteByByte(latin1('GET / HTTP/1.1\r\nA'))) {
    t.equal(scanner.push(byte), undefined);
    t.equal(scanner.consumed, 1);
    t.equal(scanner.push(latin1('')), undefined, 'nothing may come as well');
    t.equal(scanner.consumed, 0);
  }
  t.throws(() => scanner.end(), { code: 'eof_in_head', answer: { status: 400 } });
  t.end();
});

test('nothing behind a refusal is parsed', (t) => {
  const scanner = new HeadScanner('request');
  t.throws(() => scanner.push(latin1('GET /\n')), { code: 'bare_lf' });
  t.throws(() => scanner.push(latin1(text(get()))), /after a head or a refusal/);
  t.end();
});
