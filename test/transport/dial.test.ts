/** Dialling: what becomes of each way a proxy can answer or not answer, and that nothing is left of a dial that failed. */
import { once } from 'node:events';
import { connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type Test, test } from 'tap';
import { DialError } from '../../shared/transport/websocket/dial-error.ts';
import { dialWebSocket, type DialOptions } from '../../shared/transport/websocket/dial.ts';
import { acceptOf } from '../../shared/transport/websocket/handshake.ts';
import type { LinkSocket } from '../../shared/transport/websocket/link-socket.ts';
import { createCertificate } from '../e2e/support/certificate.ts';
import { listen } from '../e2e/support/listen.ts';
import { socketPair, subprotocol } from './links.ts';
import { until } from './until.ts';

interface Door {
  readonly port: number;
  readonly sockets: readonly Socket[];
  readonly heard: () => string;
}

/** A door that answers the first head with these bytes. `undefined`: it never answers. */
async function door(t: Test, answer: string | undefined, server: Server = createServer()): Promise<Door> {
  const sockets: Socket[] = [];
  let heard = '';
  server.on('key' in server ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1');
      if (heard.endsWith('\r\n\r\n') && answer !== undefined) socket.write(answer);
    });
  });
  const port = await listen(server);
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port, sockets, heard: () => heard };
}

function dial(port: number, options: Partial<DialOptions> = {}): Promise<LinkSocket> {
  return dialWebSocket({
    url: `ws://127.0.0.1:${port}/path?query`,
    subprotocol,
    token: 'the-token',
    userAgent: 'test/1',
    signal: AbortSignal.timeout(5_000),
    ...options,
  });
}

async function errorOf(dialling: Promise<unknown>): Promise<DialError> {
  try {
    await dialling;
  } catch (error) {
    if (error instanceof DialError) return error;
    throw error;
  }
  throw new Error('the dial succeeded');
}

const json = (body: string) =>
  `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

interface Row {
  readonly says: string;
  readonly answer: string;
  readonly refusal: object;
}

const rows: Row[] = [
  {
    says: 'a reason in JSON',
    answer: `HTTP/1.1 403 Forbidden\r\n${json('{"status":403,"code":"x","reason":"not this backend"}')}`,
    refusal: { status: 403, reason: 'not this backend', retryAfterMs: undefined },
  },
  {
    says: 'no JSON: the status text',
    answer: `HTTP/1.1 502 Bad Gateway\r\n${json('<html>')}`,
    refusal: { status: 502, reason: 'Bad Gateway' },
  },
  {
    says: 'JSON that gives no reason, or none that is text',
    answer: `HTTP/1.1 400 Bad Request\r\n${json('{"reason":{"a":1}}')}`,
    refusal: { status: 400, reason: 'Bad Request' },
  },
  {
    says: 'a reason that would forge log lines is made printable and short',
    answer: `HTTP/1.1 403 No\r\n${json(JSON.stringify({ reason: `a\r\n\u001b[31mb${'c'.repeat(1_000)}` }))}`,
    refusal: { status: 403, reason: `a   [31mb${'c'.repeat(491)}` },
  },
  {
    says: 'a redirect is an answer like any other: the token goes nowhere else',
    answer: 'HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
    refusal: { status: 302, reason: 'Found' },
  },
  {
    says: '200 is no upgrade',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    refusal: { status: 200, reason: 'OK' },
  },
  {
    says: 'a body that has no end is read up to 4 KiB',
    answer: `HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n${'1000\r\n' + 'x'.repeat(4_096) + '\r\n1\r\nx\r\n'}`,
    refusal: { status: 503, reason: 'Busy' },
  },
  ...[
    ['120', 120_000],
    ['0', 0],
    ['-5', undefined],
    ['', undefined],
    ['1e9', undefined],
    ['soon', undefined],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
    ['999999999999', 999_999_999_999_000],
  ].map(([value, retryAfterMs]): Row => ({
    says: `Retry-After: ${value}`,
    answer: `HTTP/1.1 503 Busy\r\nRetry-After: ${value}\r\nContent-Length: 0\r\n\r\n`,
    refusal: { status: 503, reason: 'Busy', retryAfterMs },
  })),
];

test('what the proxy refuses is said with its status and reason', async (t) => {
  for (const { says, answer, refusal } of rows) {
    // oxlint-disable no-await-in-loop -- one dial after the other
    const { port, sockets, heard } = await door(t, answer);
    const error = await errorOf(dial(port));
    t.match(error, { code: 'dial_refused', initiator: 'remote', answer: refusal }, says);
    t.match(error.message, /^the proxy answered \d{3}: /);
    await until('the socket is closed', () =>
      sockets.every((socket) => socket.readableEnded || socket.destroyed),
    );
    t.match(heard(), /^GET \/path\?query HTTP\/1\.1\r\n/);
    t.match(heard(), /\r\nAuthorization: Bearer the-token\r\n/i);
    t.match(heard(), /\r\nUser-Agent: test\/1\r\n/i);
    t.notMatch(heard(), /permessage-deflate/i);
    // oxlint-enable no-await-in-loop
  }
});

test('Retry-After as a date is the time until then', async (t) => {
  const date = new Date(Date.now() + 60_000).toUTCString();
  const { port } = await door(t, `HTTP/1.1 429 Slow\r\nRetry-After: ${date}\r\nContent-Length: 0\r\n\r\n`);
  const { answer } = await errorOf(dial(port));
  t.ok((answer?.retryAfterMs ?? 0) > 55_000 && (answer?.retryAfterMs ?? 0) <= 60_000);
});

const upgraded = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
const failures: [says: string, answer: string][] = [
  ['an answer that is no HTTP', 'hello\r\n\r\n'],
  ['a 101 without the right accept', `${upgraded}Sec-WebSocket-Accept: AAAA\r\n\r\n`],
  ['a 101 to something else', 'HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'],
];

test('what is no answer of a proxy fails', async (t) => {
  for (const [says, answer] of failures) {
    // oxlint-disable no-await-in-loop -- one dial after the other
    const { port, sockets } = await door(t, answer);
    t.match(await errorOf(dial(port)), { code: 'dial_failed', answer: undefined }, says);
    await until('the socket is closed', () =>
      sockets.every((socket) => socket.readableEnded || socket.destroyed),
    );
    // oxlint-enable no-await-in-loop
  }
});

test('a balancer on the way may add a Connection of its own to the 101', async (t) => {
  const server = createServer();
  server.on('connection', (socket: Socket) => {
    t.teardown(() => socket.destroy());
    socket.once('data', (bytes: Buffer) => {
      const key = /Sec-WebSocket-Key: (\S+)/.exec(bytes.toString('latin1'))?.[1] ?? '';
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          `Sec-WebSocket-Accept: ${acceptOf(key)}\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`,
      );
    });
  });
  const { port } = await door(t, undefined, server);
  await t.resolves(dial(port).then((ends) => ends.socket.destroy()));
});

test('the proxy must take the subprotocol', async (t) => {
  const failed = socketPair(t, { dial: { subprotocol: 'another.v1' } });
  t.match(await errorOf(failed), { code: 'dial_failed', message: /subprotocol/ });
});

test('nobody listens; nobody answers; the program stops', async (t) => {
  const closed = createServer();
  const port = await listen(closed);
  closed.close();
  await once(closed, 'close');
  t.match(await errorOf(dial(port)), { code: 'dial_failed', message: /ECONNREFUSED/ });
  const silent = await door(t, undefined);
  t.match(await errorOf(dial(silent.port, { signal: AbortSignal.timeout(50) })), {
    code: 'dial_timeout',
    message: 'no answer in time',
  });
  const stopping = new AbortController();
  const dialling = errorOf(dial(silent.port, { signal: stopping.signal }));
  await until('it is connected', () => silent.sockets.length === 2);
  stopping.abort();
  t.match(await dialling, { code: 'dial_failed' });
  t.match(
    await errorOf(dial(silent.port, { signal: stopping.signal })),
    { code: 'dial_failed' },
    'before it began',
  );
  t.match(
    await errorOf(
      dial(silent.port, { signal: AbortSignal.any([AbortSignal.timeout(50), new AbortController().signal]) }),
    ),
    { code: 'dial_timeout' },
    'a time-out among others',
  );
  await until('every socket is closed', () =>
    silent.sockets.every((socket) => socket.readableEnded || socket.destroyed),
  );
});

test('a dial that is given up while another way to the proxy is made leaves nothing of it', async (t) => {
  const silent = await door(t, undefined);
  const stopping = new AbortController();
  const socket = connectTcp({ host: '127.0.0.1', port: silent.port });
  const connect = async (): Promise<Socket> => {
    await once(socket, 'connect');
    stopping.abort();
    return socket;
  };
  t.match(await errorOf(dial(silent.port, { signal: stopping.signal, connect })), { code: 'dial_failed' });
  t.ok(socket.destroyed);
});

test('an answer whose body never ends is cut off with the dial', async (t) => {
  const { port } = await door(t, 'HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\n{');
  const error = await errorOf(dial(port, { signal: AbortSignal.timeout(100) }));
  t.ok(['dial_refused', 'dial_timeout'].includes(error.code), error.code);
});

test('wss: a certificate that nobody trusts fails, one that the CA file names does not', async (t) => {
  const certificate = createCertificate();
  const { port } = await door(t, undefined, createTlsServer({ ...certificate }));
  const url = `wss://127.0.0.1:${port}/`;
  t.match(await errorOf(dial(port, { url })), { code: 'dial_failed', message: /self.signed certificate/i });
  t.match(await errorOf(dial(port, { url, ca: createCertificate().cert })), { code: 'dial_failed' });
  const error = await errorOf(dial(port, { url, ca: certificate.cert, signal: AbortSignal.timeout(200) }));
  t.equal(error.code, 'dial_timeout', 'trusted, and then not answered');
});
