/** Rules 26 to 29, 31, 43, 44: the frame of a body, with the values at their edges, in requests and in responses. */
import { test } from 'tap';
import { createBodyReader } from '../../shared/http1/body.ts';
import { bodyLimits } from '../../shared/http1/limits.ts';
import { chunkHead, writeTrailers } from '../../shared/http1/write.ts';
import { latin1 } from './pieces.ts';
import { runRow } from './rows.ts';
import type { Row } from './rows.ts';

const POST = 'POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n';
const RESPONSE = 'HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n';

/** A body, and what becomes of it: its quoted bytes ('' is none), or the refusal with the status a request gets. */
type BodyRow = readonly [name: string, body: string, verdict: string];

const rules: Readonly<Record<string, readonly BodyRow[]>> = {
  'rule 27: the size': [
    ['nothing but the last chunk', '0\r\n\r\n', ''],
    ['digits of both cases', `aF\r\n${'x'.repeat(0xaf)}\r\n0\r\n\r\n`, '"xxxxxxxxxxxxxxxxxxxx"'],
    ['a chunk behind another', '1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', '"abc"'],
    ['zeros are the last chunk too', '3\r\nabc\r\n0000\r\n\r\n', '"abc"'],
    ['16 digits', '0000000000000003\r\nabc\r\n0\r\n\r\n', '"abc"'],
    ['17 digits', '00000000000000003\r\nabc\r\n0\r\n\r\n', '400 (chunk line)'],
    ['16 zeros', '0000000000000000\r\n\r\n', ''],
    ['17 zeros', '00000000000000000\r\n\r\n', '400 (chunk line)'],
    ['13 significant digits', 'fffffffffffff\r\n', '[wait body]'],
    ['behind 3 zeros', '000fffffffffffff\r\n', '[wait body]'],
    ['behind 4 zeros', '0000fffffffffffff\r\n', '400 (chunk line)'],
    ['14 significant digits', '10000000000000\r\n', '400 (chunk line)'],
    ['refused at the digit, not at the line end', '10000000000000', '400 (chunk line)'],
    ['no digit', '\r\n\r\n', '400 (chunk line)'],
    ['no digit but an extension', ';a\r\n\r\n', '400 (chunk line)'],
    ['g', 'g\r\n', '400 (chunk line)'],
    ['a slash, which stands before 0', '/\r\n', '400 (chunk line)'],
    ['a colon, which stands behind 9', '1:\r\n', '400 (chunk line)'],
    ['an at, which stands before A', '@\r\n', '400 (chunk line)'],
    ['a backtick, which stands before a', '`\r\n', '400 (chunk line)'],
    ['a blank before', ' 1\r\na\r\n0\r\n\r\n', '400 (chunk line)'],
    ['a blank behind', '1 \r\na\r\n0\r\n\r\n', '400 (chunk line)'],
    ['a blank before the extension', '1 ;a\r\na\r\n0\r\n\r\n', '400 (chunk line)'],
    ['CR without LF', '1\ra\r\n', '400 (chunk line)'],
    ['CR CR LF', '1\r\r\na\r\n', '400 (chunk line)'],
    ['LF without CR', '1\na\r\n', '400 (chunk line)'],
    ['NUL', '1\0\r\na\r\n', '400 (chunk line)'],
    ['the next size without a line end before it', '1\r\na1\r\nb\r\n', '400 (no CRLF after chunk)'],
  ],
  'rule 28: extensions': [
    ['a name', '1;a\r\nb\r\n0\r\n\r\n', '"b"'],
    ['every mark of a token', "1;!#$%&'*+-.^_`|~09=!#$%&'*+-.^_`|~09\r\nb\r\n0\r\n\r\n", '"b"'],
    ['many', '1;a;b=c;d="e";f\r\nb\r\n0;z\r\n\r\n', '"b"'],
    ['an empty quoted string', '1;a=""\r\nb\r\n0\r\n\r\n', '"b"'],
    ['quoted semicolon, blank, TAB, high byte', '1;a="; \t\xff"\r\nb\r\n0\r\n\r\n', '"b"'],
    ['escapes', '1;a="\\"\\\\\\a\\\t"\r\nb\r\n0\r\n\r\n', '"b"'],
    ['an escaped quote does not end it', '1;a="\\"\r\nb\r\n0\r\n\r\n', '400 (chunk line)'],
    ['a quoted line end', '1;a="\r\n"\r\nb\r\n0\r\n\r\n', '400 (chunk line)'],
    ['an escaped CR', '1;a="\\\r"\r\nb\r\n0\r\n\r\n', '400 (chunk line)'],
    ['a quoted NUL', '1;a="\0"\r\nb\r\n', '400 (chunk line)'],
    ['an escaped DEL', '1;a="\\\x7f"\r\nb\r\n', '400 (chunk line)'],
    ['no name', '1;\r\nb\r\n', '400 (chunk line)'],
    ['no name before the value', '1;=a\r\nb\r\n', '400 (chunk line)'],
    ['two semicolons', '1;;a\r\nb\r\n', '400 (chunk line)'],
    ['no value', '1;a=\r\nb\r\n', '400 (chunk line)'],
    ['two equals signs', '1;a=b=c\r\nb\r\n', '400 (chunk line)'],
    ['something behind the quotes', '1;a="b"c\r\nb\r\n', '400 (chunk line)'],
    ['a quote within a token', '1;a=b"\r\nb\r\n', '400 (chunk line)'],
    ['a blank behind the semicolon', '1; a\r\nb\r\n', '400 (chunk line)'],
    ['a blank before the equals sign', '1;a =b\r\nb\r\n', '400 (chunk line)'],
    ['a blank behind the value', '1;a=b \r\nb\r\n', '400 (chunk line)'],
    ['a high byte in a name', '1;\xe4\r\nb\r\n', '400 (chunk line)'],
    ['LF without CR', '1;a\nb\r\n', '400 (chunk line)'],
    ['CR without LF', '1;a\rb\r\n', '400 (chunk line)'],
  ],
  'rule 28: their limits': [
    ['256 bytes a line', `1;${'a'.repeat(255)}\r\nb\r\n0\r\n\r\n`, '"b"'],
    ['257', `1;${'a'.repeat(256)}\r\nb\r\n0\r\n\r\n`, '413 (chunk extension too large)'],
    ['at the byte that is too much', `1;${'a'.repeat(256)}`, '413 (chunk extension too large)'],
    ['in quotes', `1;a="${'\\\\'.repeat(127)}`, '413 (chunk extension too large)'],
    ['in many', `1${';a'.repeat(128)}\r\nb\r\n0${';a'.repeat(128)}\r\n\r\n`, '"b"'],
    ['of the last chunk', `0${';a'.repeat(129)}\r\n\r\n`, '413 (chunk extension too large)'],
    ['bad grammar speaks first', `1;${'a'.repeat(255)}\0`, '400 (chunk line)'],
    ['16 KiB a message', `1;${'a'.repeat(255)}\r\nb\r\n`.repeat(64) + '0\r\n\r\n', '"bbbbbbbbbbbbbbbbbbbb"'],
    [
      'a byte more',
      `1;${'a'.repeat(255)}\r\nb\r\n`.repeat(64) + '0;a\r\n\r\n',
      '413 (chunk extension too large)',
    ],
  ],
  'rule 29: behind the data': [
    ['LF', '1\r\na\n0\r\n\r\n', '400 (no CRLF after chunk)'],
    ['CR CR', '1\r\na\r\r', '400 (no CRLF after chunk)'],
    ['nothing', '1\r\na0\r\n\r\n', '400 (no CRLF after chunk)'],
    ['LF CR', '1\r\na\n\r0\r\n\r\n', '400 (no CRLF after chunk)'],
    ['an empty line more', '1\r\na\r\n\r\n0\r\n\r\n', '400 (chunk line)'],
    ['the data may hold anything', '6\r\n\r\n0\r\n\r\r\n0\r\n\r\n', '"\\r\\n0\\r\\n\\r"'],
  ],
};

/** A request quotes 20 bytes and a response 30; every refusal of a response is a 502. */
const requestRow = ([name, body, verdict]: BodyRow): Row => [name, POST + body, requestVerdict(verdict)];

function requestVerdict(verdict: string): string {
  if (verdict === '[wait body]') return `POST /a chunked → ${verdict}`;
  return /^\d/.test(verdict) ? `POST /a chunked → ${verdict}` : `POST /a chunked ${verdict}`.trimEnd();
}

for (const [rule, rows] of Object.entries(rules)) {
  test(rule, (t) => {
    for (const row of rows) runRow(t, requestRow(row), { kind: 'request' });
    t.end();
  });
  test(`${rule}; of a response (rule 44)`, (t) => {
    for (const [name, body, verdict] of rows) {
      if (!/^\d/.test(verdict)) continue;
      const refused = `200 chunked → ${verdict.replace(/^\d+/, '502')}`;
      runRow(t, [name, RESPONSE + body, refused], { kind: 'response' });
    }
    t.end();
  });
}

test('rules 31, 16: the decoded size counts against the body limit, before any byte of the chunk that is too much', (t) => {
  const limits = { kind: 'request', bodyLimits: { ...bodyLimits, bodyBytes: 5 } } as const;
  const rows: readonly BodyRow[] = [
    ['exactly', '2;a=b\r\nab\r\n3\r\ncde\r\n0\r\n\r\n', '"abcde"'],
    ['a byte more', '2\r\nab\r\n4\r\n', '413 (body too large)'],
    ['at once', 'fffffffffffff\r\n', '413 (body too large)'],
  ];
  for (const row of rows) runRow(t, requestRow(row), limits);
  t.end();
});

test('rules 26, 43: a response that ends within its body is cut short, wherever it ends', (t) => {
  const whole = '3;a="b"\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nA: b\r\n\r\n';
  for (let length = 0; length < whole.length; length++) {
    const quoted = JSON.stringify('abc0123456789abcdef'.slice(0, bodyBytesIn(whole.slice(0, length))));
    const seen = quoted === '""' ? '200 chunked' : `200 chunked ${quoted}`;
    const verdict = `${seen} → ABORT (truncated chunked body: abort client connection)`;
    runRow(t, [`at ${length}`, RESPONSE + whole.slice(0, length), verdict], { kind: 'response' });
  }
  runRow(t, ['not at all', RESPONSE + whole, '200 chunked "abc0123456789abcdef"'], { kind: 'response' });
  const sized = 'HTTP/1.1 200 X\r\nContent-Length: 3\r\n\r\n';
  for (const [body, says] of [
    ['', ''],
    ['a', ' "a"'],
    ['ab', ' "ab"'],
  ] as const) {
    const verdict = `200 sized${says} → ABORT (truncated sized body: abort client connection)`;
    runRow(t, [`sized, at ${body.length}`, sized + body, verdict], { kind: 'response' });
  }
  t.end();
});

/** How many of these first bytes are data: the two chunks begin at 9 and at 18. */
function bodyBytesIn(begun: string): number {
  return Math.min(3, Math.max(0, begun.length - 9)) + Math.min(16, Math.max(0, begun.length - 18));
}

test('rule 31: the frame as it is written', (t) => {
  t.equal(chunkHead(1), '1\r\n');
  t.equal(chunkHead(16_384), '4000\r\n');
  t.throws(() => chunkHead(0), /at least one byte/, 'an empty chunk would end the body');
  t.equal(writeTrailers([]), '0\r\n\r\n');
  t.equal(writeTrailers([{ name: 'A', lower: 'a', value: '1' }]), '0\r\nA: 1\r\n\r\n');
  t.end();
});

test('a reader takes at most what it may, gets on at every read, and says how far it is', (t) => {
  const bytes = latin1('5;a\r\nabcde\r\n2\r\nfg\r\n0\r\nA: b\r\n\r\nbehind');
  const reader = createBodyReader({ kind: 'chunked' }, 'request');
  const runs: string[] = [];
  let at = 0;
  while (!reader.done) {
    const next = reader.read(bytes, at, 2);
    t.ok(next > at, 'on');
    at = next;
    runs.push(`${Buffer.from(bytes.subarray(reader.dataStart, reader.dataEnd)).toString()} ${reader.size}`);
  }
  t.strictSame(runs, ['ab 2', 'cd 4', 'e 5', 'fg 7', ' 7']);
  t.equal(at, bytes.length - 'behind'.length, 'what is behind it is not its own');
  t.equal(reader.read(bytes, at, 2), at, 'and stays so');
  t.strictSame(reader.trailers, [{ name: 'A', lower: 'a', value: 'b' }]);
  reader.end();
  const sized = createBodyReader({ kind: 'sized', length: 3 }, 'request');
  t.strictSame(
    [sized.read(bytes, 0, 2), sized.done, sized.read(bytes, 2, 9), sized.done],
    [2, false, 3, true],
  );
  const none = createBodyReader({ kind: 'none' }, 'request');
  t.strictSame([none.done, none.read(bytes, 1, 9), none.size], [true, 1, 0]);
  const close = createBodyReader({ kind: 'close' }, 'response');
  t.strictSame([close.read(bytes, 1, 2), close.done, close.size], [3, false, 2]);
  close.end();
  t.strictSame([close.done, close.read(bytes, 3, 2), close.size], [true, 3, 2]);
  t.end();
});

test('nothing behind a refusal is read', (t) => {
  const reader = createBodyReader({ kind: 'chunked' }, 'request');
  t.throws(() => reader.read(latin1('1\r\na\n'), 0, 1) + reader.read(latin1('\n'), 0, 1), {
    code: 'chunk_end',
  });
  t.throws(() => reader.read(latin1('\r\n0\r\n\r\n'), 0, 1), /after a refusal/);
  t.end();
});
