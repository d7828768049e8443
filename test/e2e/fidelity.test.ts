/**
 * What the client sent is what the backend gets, and back: to the byte, but for the fields that a proxy must touch
 * (RFC 9110 §7.6). One odd request and one odd answer; the rows for every rule are tests of the parser.
 */
import { t as file, test } from 'tap';
import { readResponse, value, values } from './support/message.ts';
import { Recorder } from './support/recorder.ts';
import { isDirect, productOnly, startTunnel } from './support/tunnel.ts';
import { dial } from './support/wire.ts';

const backend = await Recorder.listen(file);
const tunnel = await startTunnel(file, { backend: backend.address });

/** Fields that the proxy adds to a request. */
const added = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'via', 'x-request-id']);
/** Fields of its own that the proxy may write on an answer: they are about the connection, not about the answer. */
const ownOnAnswers = new Set(['connection', 'keep-alive', 'via']);
const nameOf = (line: string): string => line.slice(0, line.indexOf(':')).toLowerCase();

const oddLines = [
  'hOsT: Odd.Example.Com',
  'x-lower: 1',
  'X-UPPER: 2',
  'X-TwIcE: first',
  'Accept: text/html, */*;q=0.1',
  'X-TwIcE: second',
  'X-TwIcE: first',
  'X-Empty:',
  'X-Empty-Too: ',
  'X-No-Blank:tight',
  'X-Inner:  two  blanks  inside',
  'X-Latin1: caf\xe9 \x80\xff na\xefve',
  'X-Quotes: "a\\"b", \'c\', (d)',
  "X!#$%&'*+-.^_`|~: every tchar",
  'Cookie: a=1; b=2',
  'Cookie: c=3',
  'Content-Type: text/plain',
  'Authorization: Basic dXNlcjpwYXNz',
];

test('an odd request reaches the backend as it was sent', async (t) => {
  const target = '//a//b/../c%2Fd;x?y=1;z&%00=%zz&"<>';
  const client = await dial(t, tunnel);
  client.write(
    `pAtCh ${target} HTTP/1.1\r\n${oddLines.join('\r\n')}\r\nContent-Length: 5\r\n\r\n\x00\xff\r\n\x7f`,
  );
  const asked = await backend.take(target);
  t.equal(asked.startLine, `pAtCh ${target} HTTP/1.1`);
  const kept = asked.lines.filter((line) => !added.has(nameOf(line)) && nameOf(line) !== 'content-length');
  t.same(kept, oddLines, 'every field in its order, case and number');
  t.equal(value(asked, 'content-length'), '5');
  t.equal((await asked.wire.take(5)).toString('latin1'), '\x00\xff\r\n\x7f');
  asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
  t.equal((await readResponse(client)).status, 204);
  asked.release();
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
    asked.wire.write('HTTP/1.1 204 No Content\r\n\r\n');
    await readResponse(client);
    asked.release();
  },
);

test('an odd answer reaches the client as it was sent', async (t) => {
  const lines = [
    'sErVeR: odd/1.0',
    'Set-Cookie: a=1; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
    'Date: Tue, 24 Nov 2026 00:00:00 GMT',
    'Set-Cookie: b="2, 3"; HttpOnly',
    'set-cookie: c=3',
    'X-Empty:',
    'X-Latin1: gr\xfc\xdfe \x80',
    'WWW-Authenticate: Basic realm="a, b", Digest nonce="x"',
    'Cache-Control: no-store',
    'cache-control: private',
  ];
  const client = await dial(t, tunnel);
  client.write('GET /odd-answer HTTP/1.1\r\nHost: odd.example.com\r\n\r\n');
  const asked = await backend.take('/odd-answer');
  asked.wire.write(
    `HTTP/1.1 299 Sch\xf6n & gut\r\n${lines.join('\r\n')}\r\nContent-Length: 4\r\n\r\n\x00\xff\n\r`,
  );
  const message = await readResponse(client);
  t.equal(message.startLine, 'HTTP/1.1 299 Sch\xf6n & gut');
  const kept = message.lines.filter(
    (line) => nameOf(line) !== 'content-length' && !ownOnAnswers.has(nameOf(line)),
  );
  t.same(kept, lines, 'every field in its order, case and number');
  t.equal(message.body.toString('latin1'), '\x00\xff\n\r');
  asked.release();
});

test('no backend can forge what the proxy says about itself', productOnly, async (t) => {
  const client = await dial(t, tunnel);
  client.write('GET /forged HTTP/1.1\r\nHost: odd.example.com\r\n\r\n');
  const asked = await backend.take('/forged');
  asked.wire.write(
    'HTTP/1.1 200 OK\r\nProxy-Status: inverting-proxy; error=connection_refused\r\nContent-Length: 0\r\n\r\n',
  );
  t.same(values(await readResponse(client), 'proxy-status'), []);
  asked.release();
});

test('an encoded body is nobody else’s business', async (t) => {
  const client = await dial(t, tunnel);
  client.write(
    'GET /encoded HTTP/1.1\r\nHost: odd.example.com\r\nAccept-Encoding: br, gzip\r\nRange: bytes=0-9\r\n\r\n',
  );
  const asked = await backend.take('/encoded');
  t.equal(value(asked, 'accept-encoding'), 'br, gzip');
  t.equal(value(asked, 'range'), 'bytes=0-9');
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  asked.wire.write(
    'HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-255/9999\r\nContent-Length: 256\r\n\r\n',
  );
  asked.wire.write(bytes);
  const message = await readResponse(client);
  t.equal(message.status, 206);
  t.equal(value(message, 'content-encoding'), 'gzip');
  t.equal(value(message, 'content-range'), 'bytes 0-255/9999');
  t.same(message.body, bytes);
  asked.release();
});

if (isDirect) file.comment('without the product nothing is added and nothing removed');
