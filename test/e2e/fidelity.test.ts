/**
 * What the client sent is what the backend gets, and back: to the byte, but for the fields that a proxy must touch
 * (docs/http.md). Start lines and fields, each in both directions where both have it; bodies are in test/wire.
 */
import { t as file, test, type Test } from 'tap';
import { readResponse, value, values, type Message } from './support/message.ts';
import { Recorder, type Asked } from './support/recorder.ts';
import { isDirect, productOnly, startTunnel } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const backend = await Recorder.listen(file);
const tunnel = await startTunnel(file, { backend: backend.address });

/** Fields that the proxy adds to a request; to an answer it adds none here. */
const added = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-request-id', 'via']);

function withoutAdded({ lines }: Pick<Asked, 'lines'>): string[] {
  return lines.filter((line) => !added.has(line.slice(0, line.indexOf(':')).toLowerCase()));
}

let count = 0;

/** Says this request and this answer, heads with their lines, each on the wire as it is here. */
async function exchange(
  t: Test,
  { method = 'GET', target, lines = [] }: { method?: string; target?: string; lines?: readonly string[] },
  answer: string,
): Promise<{ asked: Asked; message: Message }> {
  const client = await dial(t, tunnel);
  const path = target ?? `/fidelity/${(count += 1)}`;
  client.write([`${method} ${path} HTTP/1.1`, 'Host: h', ...lines, '\r\n'].join('\r\n'));
  const asked = await backend.take(path);
  asked.wire.write(answer);
  const message = await readResponse(client, method);
  asked.release();
  return { asked, message };
}

const noContent = 'HTTP/1.1 204 No Content\r\n\r\n';

/** Lines that mean nothing to a proxy, sent as fields of a request and as fields of an answer. */
const fields: readonly [what: string, ...lines: string[]][] = [
  ['order and case', 'x-z: 1', 'X-a: 2', 'X-M: 3', 'sErVeR: odd/1.0', 'ACCEPT: */*', 'date: today'],
  ['duplicates, wherever they stand', 'X-T: first', 'Accept: a', 'X-T: second', 'x-t: third', 'X-T: first'],
  ['values that are empty', 'X-Empty:', 'X-Blank: ', 'X-Blanks: \t ', 'X-Last:'],
  ['blanks around and within', 'X-Tight:tight', 'X-Wide:   wide \t', 'X-In: two  blanks\tand a tab'],
  ['latin1 bytes', 'X-Latin1: caf\xe9 \x80\x85\xa0\xff na\xefve'],
  ['UTF-8 bytes', `X-Utf8: ${Buffer.from('žluťoučký 🐎 \u0085\u00a0').toString('latin1')}`],
  ['names of every tchar', "X!#$%&'*+-.^_`|~09: x", '1: x', '_: x', '__proto__: x', 'constructor: x'],
  ['quotes, brackets and commas', 'X-Q: "a\\"b", \'c\', (d) <e> [f] {g}, ,,', 'X-S: ;=;,"'],
  ['what looks like more', 'X-N: a\\r\\nX-Evil: b', 'X-P: %0d%0aX-Evil: b', 'X-C: a: b: c'],
  ['cookies, as they are split', 'Cookie: a=1; b="2, 3"', 'Cookie: c=3', 'cookie: $d=4;e'],
  [
    'Set-Cookie, one by one',
    'Set-Cookie: a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
    'set-cookie: b="2, 3"',
    'Set-Cookie: a=1',
  ],
  ['Origin and its kin', 'Origin: null', 'Referer: http://a/b?c', 'Sec-Fetch-Site: cross-site', 'DNT: 1'],
  [
    'authentication',
    'Authorization: Basic dXNlcjpwYXNz',
    'WWW-Authenticate: Basic realm="a, b", Digest nonce="x"',
  ],
  ['ranges', 'Range: bytes=0-9, 20-', 'If-Range: "e"', 'Content-Range: bytes 0-9/*', 'Accept-Ranges: bytes'],
  ['codings', 'Accept-Encoding: br;q=0.1, gzip', 'accept-encoding: *;q=0', 'Content-Encoding: gzip'],
  ['a user agent', 'User-Agent: odd/1 (a; b) \xa9', 'Accept-Language: en, *;q=0.5', 'Accept-Charset: x'],
  [
    'caching and conditions',
    'ETag: W/"a,b"',
    'If-None-Match: *',
    'Cache-Control: no-store',
    'cache-control: a=b',
    'Age: 1',
  ],
  ['what other proxies said', 'Via: 1.1 other (a, b), 2 another', 'X-Cache: MISS', 'CF-Ray: 1'],
];

for (const [what, ...lines] of fields) {
  test(`${what}: to the backend`, async (t) => {
    const { asked } = await exchange(t, { lines }, noContent);
    // Only Via is one of those that the proxy adds a line of its own to.
    const kept = asked.lines.filter(
      (line) => lines.includes(line) || !added.has(line.split(':')[0]!.toLowerCase()),
    );
    t.strictSame(kept, ['Host: h', ...lines]);
  });

  test(`${what}: to the client`, async (t) => {
    const { message } = await exchange(t, {}, `HTTP/1.1 204 No Content\r\n${lines.join('\r\n')}\r\n\r\n`);
    t.strictSame(message.lines, lines);
  });
}

test('nothing is added to a request but what docs/http.md says: no User-Agent, no Accept-Encoding', async (t) => {
  const { asked } = await exchange(t, {}, noContent);
  t.strictSame(withoutAdded(asked), ['Host: h']);
  if (!isDirect) t.equal(asked.lines.length, 1 + added.size);
});

test('nothing is added to an answer: no Date, no Server, no Via', async (t) => {
  const { message } = await exchange(t, {}, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  t.strictSame(message.lines, ['Content-Length: 0']);
});

for (const target of [
  '//a//b/../c%2Fd;x?y=1;z',
  '/',
  '/?',
  '//',
  '/a/./b/../../..//',
  '/%2e%2e/%2F%5c%00%ff%zz%',
  '/a?b?c/../d&&=;#'.slice(0, -1),
  '/\\..\\"<>{}|^`',
  "/!$&'()*+,;=:@-._~",
  `/${'x'.repeat(8_000)}?${'y'.repeat(8_000)}`,
]) {
  test(`the target ${target.slice(0, 40)} arrives as it was sent`, async (t) => {
    const { asked } = await exchange(t, { target }, noContent);
    t.equal(asked.startLine, `GET ${target} HTTP/1.1`);
  });
}

for (const method of ['PROPFIND', 'M-SEARCH', 'QUERY', 'get', 'pAtCh', "!#$%&'*+-.^_`|~", 'X'.repeat(100)]) {
  test(`the method ${method.slice(0, 20)} arrives as it was sent`, async (t) => {
    const { asked, message } = await exchange(
      t,
      { method },
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    );
    t.match(asked.startLine, `${method} /`);
    t.equal(message.body.toString(), 'ok');
  });
}

for (const line of [
  '200 OK',
  '200 ',
  '299 Sch\xf6n & gut',
  '404 not   found\there ',
  '599 x',
  `418 ${'long '.repeat(100)}`,
]) {
  test(`the status and reason "${line.slice(0, 20)}" arrive as they were sent`, async (t) => {
    const { message } = await exchange(t, {}, `HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`);
    t.equal(message.startLine, `HTTP/1.1 ${line}`);
  });
}

for (const [what, method, status] of [
  ['a HEAD', 'HEAD', '200 OK'],
  ['a 304', 'GET', '304 Not Modified'],
] as const) {
  test(`the Content-Length of ${what} is kept, and no body is expected behind it`, async (t) => {
    const lines = ['ETag: "e"', 'content-LENGTH: 123456', 'X-Behind: it'];
    const { message } = await exchange(t, { method }, `HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n`);
    t.strictSame(message.lines, lines);
  });
}

for (const [method, length] of [
  ['GET', '0'],
  ['POST', '0'],
  ['OPTIONS', '0'],
] as const) {
  test(`Content-Length: ${length} of a ${method} is kept where it stands`, async (t) => {
    const lines = ['X-Before: it', `Content-Length: ${length}`, 'X-Behind: it'];
    const { asked } = await exchange(t, { method, lines }, noContent);
    t.strictSame(withoutAdded(asked), ['Host: h', ...lines]);
  });
}

test('a head near its limits arrives whole', async (t) => {
  const many = Array.from({ length: 90 }, (_, at) => `X-Many-${at}: ${at}`);
  const lines = [...many, `Cookie: ${'c'.repeat(20_000)}`];
  const answer = `HTTP/1.1 204 No Content\r\n${[...lines, `Set-Cookie: ${'s'.repeat(30_000)}`].join('\r\n')}\r\n\r\n`;
  const { asked, message } = await exchange(t, { lines }, answer);
  t.strictSame(withoutAdded(asked), ['Host: h', ...lines]);
  t.equal(message.lines.join('\r\n').length, answer.length - 'HTTP/1.1 204 No Content\r\n\r\n\r\n'.length);
});

test(
  'the fields of the hop are removed, and those of the proxy added, whatever the client claims',
  productOnly,
  async (t) => {
    const client = await dial(t, tunnel);
    client.write(
      [
        'GET /hop HTTP/1.1',
        'Host: hop.example.com:8080',
        'Connection: keep-alive, X-Private, X-Forwarded-For',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eDp5',
        'TE: gzip, trailers',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
        'X-Private: for the next hop only',
        'Forwarded: for=6.6.6.6',
        'X-Forwarded-For: 6.6.6.6',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: evil.example.com',
        'X_Forwarded_For: 6.6.6.6',
        'X-Real-IP: 6.6.6.6',
        'X-Kept: yes',
        '\r\n',
      ].join('\r\n'),
    );
    const asked = await backend.take('/hop');
    const gone =
      'keep-alive proxy-connection proxy-authorization upgrade http2-settings x-private forwarded x-real-ip x_forwarded_for';
    for (const name of gone.split(' ')) t.same(values(asked, name), [], `${name} is gone`);
    t.same(values(asked, 'te'), ['trailers']);
    t.same(values(asked, 'x-forwarded-for'), ['127.0.0.1']);
    t.same(values(asked, 'x-forwarded-proto'), ['http']);
    t.same(values(asked, 'x-forwarded-host'), ['hop.example.com:8080']);
    t.match(value(asked, 'via'), /^1\.1 \S+$/);
    t.equal(value(asked, 'host'), 'hop.example.com:8080');
    t.equal(value(asked, 'x-kept'), 'yes');
    asked.wire.write(noContent);
    await readResponse(client);
    asked.release();
  },
);

test('no backend can forge what the proxy says about itself', productOnly, async (t) => {
  const forged = 'Proxy-Status: inverting-proxy; error=connection_refused';
  const { message } = await exchange(t, {}, `HTTP/1.1 200 OK\r\n${forged}\r\nContent-Length: 0\r\n\r\n`);
  t.same(values(message, 'proxy-status'), []);
});

if (isDirect) file.comment('without the product nothing is added and nothing removed');
