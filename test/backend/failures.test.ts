/** A backend that cannot serve: which reset code the proxy hears (DESIGN §3), what the log is told, and that nothing is left. */
import { type Test, test } from 'tap';
import type { BackendAddress } from '../../agent/backend/connect.ts';
import { resetCode } from '../../shared/mux/codes.ts';
import { createCertificate } from '../e2e/support/certificate.ts';
import { HandClock } from '../transport/hand-clock.ts';
import { turns, until } from '../transport/until.ts';
import { Backend, type Exchange, Nowhere, serve, type Serving } from './backend.ts';

const certificate = createCertificate();

function tlsAt({ address }: Backend, host = '127.0.0.1'): BackendAddress {
  if (!('port' in address)) throw new Error('no port');
  return { kind: 'tls', host, port: address.port };
}

/** What is left of an exchange that failed. */
async function fails(
  t: Test,
  serving: Serving,
  exchange: Exchange,
  code: keyof typeof resetCode,
): Promise<void> {
  t.equal(await exchange.ends(), `reset ${code}`);
  t.same(
    serving.failures.map((failure) => failure.code),
    [resetCode[code]],
    'told once',
  );
  await until('it is forgotten', () => serving.pool.connectionCount === 0);
  t.same([serving.pool.idleCount, serving.agent.link.session.streamCount], [0, 0]);
  t.same([serving.agent.link.session.heldBytes, serving.proxy.link.session.heldBytes], [0, 0]);
}

test('nobody listens there', async (t) => {
  const backend = await Backend.listen(t);
  backend.close();
  for (const address of [backend.address, { kind: 'unix', path: '/nowhere/socket' }] as const) {
    // oxlint-disable no-await-in-loop -- one after the other
    const serving = await serve(t, address);
    const exchange = serving.exchange();
    exchange.say('a request that waits for its connection');
    await fails(t, serving, exchange, 'backendUnreachable');
    t.match(serving.failures[0]?.cause?.message, /ECONNREFUSED|ENOENT/);
    // oxlint-enable no-await-in-loop
  }
});

test('a name that does not exist', async (t) => {
  const serving = await serve(t, { kind: 'tcp', host: 'nobody.invalid', port: 80 });
  await fails(t, serving, serving.exchange(), 'backendUnreachable');
});

test('connecting takes too long: one timer for each connection that is not there yet', async (t) => {
  const clock = new HandClock();
  const nowhere = new Nowhere();
  const serving = await serve(t, nowhere, { connectTimeoutMs: 5_000, clock });
  const exchange = serving.exchange();
  exchange.say('a request that waits for its connection');
  await until('it connects', () => nowhere.sockets.length === 1);
  t.equal(clock.waitingCount, 1);
  clock.advance(4_999);
  await turns();
  t.same(exchange.user.events, []);
  clock.advance(1);
  await fails(t, serving, exchange, 'backendConnectTimeout');
  t.ok(nowhere.sockets[0]?.destroyed);
  t.equal(clock.waitingCount, 0);
});

test('a connection that is there has no deadline', async (t) => {
  const clock = new HandClock();
  const backend = await Backend.listen(t);
  const serving = await serve(t, backend.address, { clock });
  const exchange = serving.exchange();
  exchange.say('?');
  const wire = await backend.wire(1);
  await wire.until('?');
  await until('its timer is gone', () => clock.waitingCount === 0);
  clock.advance(3_600_000);
  wire.write('after an hour');
  await exchange.hears('after an hour');
});

test('TLS that takes too long counts as connecting', async (t) => {
  const clock = new HandClock();
  const silent = await Backend.listen(t);
  const serving = await serve(t, tlsAt(silent), { connectTimeoutMs: 5_000, clock });
  const exchange = serving.exchange();
  exchange.say('?');
  await silent.wire(1);
  clock.advance(5_000);
  await fails(t, serving, exchange, 'backendConnectTimeout');
});

interface TlsRow {
  readonly says: string;
  readonly ca: string | undefined;
  /** What a plain TCP server does with the ClientHello; undefined: a TLS server with the certificate. */
  readonly plain?: (wire: Backend['wires'][number]) => void;
}

const tlsRows: TlsRow[] = [
  { says: 'a certificate that nobody trusts', ca: undefined },
  { says: 'a certificate of another authority', ca: createCertificate().cert },
  {
    says: 'no TLS at all',
    ca: certificate.cert,
    plain: (wire) => wire.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
  },
  { says: 'an end in the middle of the handshake', ca: certificate.cert, plain: (wire) => wire.end() },
  { says: 'a reset in the middle of the handshake', ca: certificate.cert, plain: (wire) => wire.reset() },
];

for (const { says, ca, plain } of tlsRows) {
  for (const hasEnded of [false, true]) {
    test(`TLS fails: ${says}${hasEnded ? ', and the client has said all' : ''}`, async (t) => {
      const backend = await Backend.listen(t, plain === undefined ? { tls: certificate } : {});
      const serving = await serve(t, tlsAt(backend), ca === undefined ? {} : { ca });
      const exchange = serving.exchange();
      exchange.say('?');
      if (hasEnded) exchange.stream.end();
      if (plain !== undefined) {
        const wire = await backend.wire(1);
        await wire.some();
        plain(wire);
      }
      await fails(t, serving, exchange, 'backendTls');
    });
  }
}

test('TLS: the authorities of BACKEND_CA_FILE are trusted, and a backend that serves by name hears the name', async (t) => {
  const heard: string[] = [];
  const tls = {
    ...certificate,
    SNICallback: (name: string, done: (error: null) => void) => {
      heard.push(name);
      done(null);
    },
  };
  const backend = await Backend.listen(t, { tls });
  for (const [number, host] of ['localhost', '127.0.0.1'].entries()) {
    // oxlint-disable no-await-in-loop -- one after the other
    const serving = await serve(t, tlsAt(backend, host), { ca: certificate.cert });
    await serving.served(backend, number + 1);
    t.same(heard, ['localhost'], 'an address is no name (RFC 6066 §3)');
    // oxlint-enable no-await-in-loop
  }
});

for (const [says, after] of [
  ['before it said anything', ''],
  ['in the middle of its answer', 'half an answer'],
] as const) {
  test(`the backend resets ${says}`, async (t) => {
    const backend = await Backend.listen(t);
    const serving = await serve(t, backend.address);
    const exchange = serving.exchange();
    exchange.say('?');
    const wire = await backend.wire(1);
    await wire.until('?');
    wire.write(after);
    await exchange.hears(after);
    wire.reset();
    await fails(t, serving, exchange, 'backendReset');
    t.equal(exchange.heard, after);
  });
}

test('the backend dies with much of an upload unread', async (t) => {
  const backend = await Backend.listen(t);
  const serving = await serve(t, backend.address);
  const exchange = serving.exchange();
  exchange.say('?');
  const wire = await backend.wire(1);
  await wire.until('?');
  wire.socket.pause();
  const more = Buffer.alloc(65_536);
  exchange.user.react = (event, stream) => {
    if (event === 'writable') while (stream.write(more) > 0);
  };
  while (exchange.stream.write(more) > 0);
  await until('it is stuck', () => serving.agent.link.session.heldBytes > 100_000);
  wire.reset();
  await until('the exchange ends', () => exchange.stream.isReset);
  t.equal(exchange.user.events.at(-1), `reset ${exchange.stream.id} backendReset`);
  await until('it is forgotten', () => serving.pool.connectionCount === 0);
  t.equal(serving.agent.link.session.heldBytes, 0);
});

test('the client leaves while the backend is being connected: nobody is told of a failure', async (t) => {
  const nowhere = new Nowhere();
  const serving = await serve(t, nowhere);
  const exchange = serving.exchange();
  exchange.say('?');
  await until('it connects', () => serving.pool.connectionCount === 1);
  exchange.stream.reset(resetCode.cancelled);
  await until('it is forgotten', () => serving.pool.connectionCount === 0);
  t.same(serving.failures, []);
  t.ok(nowhere.sockets[0]?.destroyed);
});
