/** Dials through an HTTP proxy on the way (HTTPS_PROXY), a real one on loopback: CONNECT, credentials, refusals, silence. */
/* oxlint-disable no-await-in-loop -- one dial after the other */
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type Test, test } from 'tap';
import { dialProxy, type DialTarget } from '../../agent/connector/dial.ts';
import { DialError } from '../../shared/transport/websocket/dial-error.ts';
import type { LinkSocket } from '../../shared/transport/websocket/link-socket.ts';
import { type Certificate, createCertificate } from '../e2e/support/certificate.ts';
import { listen } from '../e2e/support/listen.ts';
import { LinkSide } from '../transport/links.ts';
import { until } from '../transport/until.ts';
import { StubProxy } from './stub-proxy.ts';

/** `connects`, `is silent`, or the bytes it answers. */
type Answer = string;

interface ForwardProxy {
  readonly port: number;
  /** The heads of the CONNECTs it was asked. */
  readonly heads: string[];
  readonly sockets: Socket[];
}

/** Wants these credentials where any are given; answers with `answer` instead of connecting where it is one. */
async function forwardProxy(
  t: Test,
  answer: Answer = 'connects',
  credentials?: string,
): Promise<ForwardProxy> {
  const sockets: Socket[] = [];
  const heads: string[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    let head = '';
    const onData = (bytes: Buffer): void => {
      head += bytes.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) return;
      heads.push(head);
      socket.off('data', onData);
      const wanted = credentials === undefined ? '' : `Basic ${Buffer.from(credentials).toString('base64')}`;
      if (!head.includes(wanted))
        socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n');
      else if (answer === 'connects') tunnel(socket, head);
      else if (answer !== 'is silent') socket.end(answer);
    };
    socket.on('data', onData);
  });
  const port = await listen(server);
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port, heads, sockets };
}

function tunnel(client: Socket, head: string): void {
  const port = Number(/^CONNECT [^ ]*:(\d+) /.exec(head)?.[1]);
  const target = connectTcp(port, '127.0.0.1', () => {
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    client.pipe(target).pipe(client);
  });
  for (const [one, other] of [
    [client, target],
    [target, client],
  ] as const) {
    one.on('error', () => {});
    one.on('close', () => other.destroy());
  }
}

function dial(
  proxy: StubProxy,
  through: string | undefined,
  rest: Partial<DialTarget> = {},
  signal?: AbortSignal,
) {
  const ask = { backend: 'default', hosts: [], paths: [] };
  const target = {
    url: proxy.url,
    ask,
    userAgent: 'test',
    ca: undefined,
    forwardProxy: through === undefined ? undefined : new URL(through),
    noForwardProxy: [],
    ...rest,
  };
  return dialProxy(target, 'the-token', signal ?? AbortSignal.timeout(5_000));
}

async function errorOf(dialling: Promise<LinkSocket>): Promise<DialError> {
  try {
    await dialling;
  } catch (error) {
    if (error instanceof DialError) return error;
    throw error;
  }
  throw new Error('the dial succeeded');
}

/** The link carries a stream each way. */
async function works(t: Test, proxy: StubProxy, ends: LinkSocket): Promise<void> {
  const agent = new LinkSide(ends, 'client', {});
  agent.link.sendControl('{"kind":"hello"}');
  const side = await proxy.side(proxy.sides.length);
  side.link.open(side.user)?.write(Buffer.alloc(100_000));
  const stream = await agent.stream();
  await until('what the proxy said', () => agent.user.received.get(stream.id) === 100_000);
  stream.write(Buffer.from('answer'));
  await until('what the agent said', () => side.user.received.get(stream.id) === 6);
  agent.link.close(1000, 'done');
  t.match(await side.ended.promise, { code: 1000 });
}

const certificate = createCertificate();

for (const [scheme, served] of [
  ['ws', undefined],
  ['wss', certificate],
] as [string, Certificate | undefined][]) {
  test(`${scheme}: through CONNECT to the host and port of the proxy`, async (t) => {
    const proxy = await StubProxy.listen(t, served);
    const forward = await forwardProxy(t);
    const ends = await dial(proxy, `http://127.0.0.1:${forward.port}`, { ca: served?.cert });
    await works(t, proxy, ends);
    t.equal(forward.heads.length, 1);
    t.match(forward.heads[0], new RegExp(`^CONNECT 127\\.0\\.0\\.1:${proxy.port} HTTP/1\\.1\\r\\n`));
    t.notMatch(forward.heads[0], /the-token|proxy-authorization/i, 'the token is not for it');
    t.match(proxy.asked, [{ authorization: 'Bearer the-token' }]);
  });

  test(`${scheme}: with credentials, and without those it wants`, async (t) => {
    const proxy = await StubProxy.listen(t, served);
    const forward = await forwardProxy(t, 'connects', 'us er:p@ss:word');
    const ends = await dial(proxy, `http://us%20er:p%40ss%3Aword@127.0.0.1:${forward.port}`, {
      ca: served?.cert,
    });
    await works(t, proxy, ends);
    for (const through of [
      `http://127.0.0.1:${forward.port}`,
      `http://us%20er:wrong@127.0.0.1:${forward.port}`,
    ]) {
      const error = await errorOf(dial(proxy, through, { ca: served?.cert }));
      t.match(error, { code: 'dial_failed', answer: undefined });
      t.equal(
        error.message,
        'the HTTP proxy on the way (HTTPS_PROXY) wants credentials (407): give them as http://USER:PASSWORD@HOST',
      );
    }
    t.equal(proxy.asked.length, 1);
  });
}

test('a name in the CA file is checked through the tunnel as well', async (t) => {
  const proxy = await StubProxy.listen(t, certificate);
  const forward = await forwardProxy(t);
  const error = await errorOf(
    dial(proxy, `http://127.0.0.1:${forward.port}`, { ca: createCertificate().cert }),
  );
  t.match(error, { code: 'dial_failed' });
  t.notMatch(error.message, /HTTPS_PROXY/, 'the one on the way did what it should');
  t.equal(proxy.asked.length, 0, 'the token was not shown to whoever that is');
});

test('a proxy on the way that does not connect is told apart from the proxy', async (t) => {
  const proxy = await StubProxy.listen(t);
  for (const status of [403, 502, 302]) {
    const forward = await forwardProxy(
      t,
      `HTTP/1.1 ${status} No\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n`,
    );
    const error = await errorOf(dial(proxy, `http://127.0.0.1:${forward.port}`));
    t.match(error, { code: 'dial_failed', answer: undefined });
    t.equal(error.message, `the HTTP proxy on the way (HTTPS_PROXY) answered CONNECT with ${status}`);
  }
  proxy.refusal = { status: 403, reason: 'not you' };
  const forward = await forwardProxy(t);
  t.match(await errorOf(dial(proxy, `http://127.0.0.1:${forward.port}`)), {
    code: 'dial_refused',
    answer: { status: 403, reason: 'not you' },
  });
});

test('a proxy on the way that is not there, says nothing, or no HTTP: no socket is left behind', async (t) => {
  const proxy = await StubProxy.listen(t);
  const gone = createServer();
  const port = await listen(gone);
  gone.close();
  t.match(await errorOf(dial(proxy, `http://127.0.0.1:${port}`)), {
    code: 'dial_failed',
    message: /ECONNREFUSED/,
  });
  for (const answer of ['is silent', 'hello\r\n\r\n']) {
    const forward = await forwardProxy(t, answer);
    for (let dials = 1; dials <= 3; dials++) {
      const error = await errorOf(
        dial(proxy, `http://127.0.0.1:${forward.port}`, {}, AbortSignal.timeout(100)),
      );
      t.ok(['dial_timeout', 'dial_failed'].includes(error.code), `${answer}: ${error.code}`);
    }
    await until('each socket is closed', () =>
      forward.sockets.every((socket) => socket.readableEnded || socket.destroyed),
    );
    t.equal(forward.sockets.length, 3);
  }
});

test('a dial that is given up at once ends, though the proxy on the way is silent', async (t) => {
  const proxy = await StubProxy.listen(t);
  const way = await forwardProxy(t, 'is silent');
  const stopping = new AbortController();
  const dialling = dial(proxy, `http://127.0.0.1:${way.port}`, {}, stopping.signal);
  stopping.abort();
  await t.rejects(dialling, { code: 'dial_failed' });
  t.equal(way.heads.length, 0);
});

test('a TLS handshake behind CONNECT that never ends: no socket is left behind', async (t) => {
  const silent = createServer();
  const port = await listen(silent);
  t.teardown(() => silent.close());
  const forward = await forwardProxy(t);
  const proxy = await StubProxy.listen(t);
  const url = `wss://127.0.0.1:${port}/`;
  const error = await errorOf(
    dial(proxy, `http://127.0.0.1:${forward.port}`, { url }, AbortSignal.timeout(200)),
  );
  t.match(error, { code: 'dial_timeout' });
  await until('its socket is closed', () => forward.sockets.every((socket) => socket.destroyed));
});

test('the link outlives the dial`s own time', async (t) => {
  const proxy = await StubProxy.listen(t);
  const forward = await forwardProxy(t);
  const dialling = new AbortController();
  const ends = await dial(proxy, `http://127.0.0.1:${forward.port}`, {}, dialling.signal);
  dialling.abort();
  await works(t, proxy, ends);
});

test('hosts that NO_PROXY names are dialled directly, the others are not', async (t) => {
  const proxy = await StubProxy.listen(t);
  const forward = await forwardProxy(t);
  const through = `http://127.0.0.1:${forward.port}`;
  for (const [noForwardProxy, connects] of [
    [['127.0.0.1'], 0],
    [['127.0.0.0/8'], 0],
    [[`127.0.0.1:${proxy.port}`], 0],
    [['example.com', `127.0.0.1:1`], 1],
    [[], 2],
  ] as [string[], number][]) {
    await works(t, proxy, await dial(proxy, through, { noForwardProxy }));
    t.equal(forward.heads.length, connects, noForwardProxy.join(','));
  }
});

test('an HTTP proxy that speaks TLS itself, whose certificate nobody trusts, fails as a dial does', async (t) => {
  const proxy = await StubProxy.listen(t);
  const server = createTlsServer({ ...certificate });
  server.on('tlsClientError', () => {});
  const port = await listen(server);
  t.teardown(() => server.close());
  t.match(await errorOf(dial(proxy, `https://127.0.0.1:${port}`)), {
    code: 'dial_failed',
    message: /certificate/,
  });
});
