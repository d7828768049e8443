/**
 * Requests that no honest client makes, before anybody is known: whatever stands in a host or in a token that nobody has
 * signed, the proxy answers it and lives on. Against a real proxy with a sign-in.
 */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { t as file, test } from 'tap';
import { productOnly } from '../e2e/support/tunnel.ts';
import { dial } from '../e2e/support/wire.ts';
import type { Wire } from '../e2e/support/wire.ts';
import { Browser } from './support/browser.ts';
import { startWithSignIn } from './support/proxy-with-sign-in.ts';

const pages = '/.well-known/inverting-proxy';

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

test('what no honest client sends', productOnly, async (suite) => {
  const {
    origin,
    host: proxyHost,
    port,
    identity,
    proxy,
    reached,
  } = await startWithSignIn(file, { MAX_FAILURES_PER_ADDRESS: '0' });
  const { issuer, key } = identity;
  const { kid } = key;
  await new Browser().open(`${origin}/`);
  const before = reached.length;

  const hosts = [
    '%00',
    '%2f',
    '1.2.3.4.5',
    '999.999.999.999',
    'a.%',
    '$',
    "'",
    'xn--',
    'a..b',
    '0x',
    '[::ffff:1.2.3.4]',
  ];
  for (const host of hosts) {
    await suite.test(`the host ${host}`, async (t) => {
      for (const path of [
        'callback?state=0123456789abcdef&code=x',
        'sign-in?return=/x',
        'sign-out',
        'jwks.json',
        'nothing',
      ]) {
        const headers = { host, accept: 'text/html' };
        const page = await new Browser().ask(`${origin}${pages}/${path}`, { headers });
        t.ok(page.status >= 200 && page.status < 500, `${path}: ${page.status}`);
      }
      t.ok(proxy.isRunning, 'the proxy lives');
    });
  }

  const heads: readonly unknown[] = [
    { alg: 'RS256', kid },
    { alg: 'RS256' },
    { alg: 1 },
    null,
    [],
    'x',
    { alg: 'RS256', kid: {}, typ: 1 },
    { alg: 'RS256', kid, crit: ['exp'] },
    { alg: 'RS256', b64: false, crit: ['b64'], kid },
    { alg: 'ES256', kid },
    { alg: 'EdDSA', kid },
    { alg: 'RS512', kid },
    { alg: ['RS256'], kid },
  ];
  const bodies: readonly unknown[] = [
    { iss: issuer },
    { iss: `${issuer}/` },
    { iss: 1 },
    { iss: null },
    { iss: {} },
    { iss: [issuer] },
    { iss: true },
    {},
    null,
    [],
    'x',
    1,
    { iss: issuer, exp: 'x', sub: 1, aud: {} },
  ];
  await suite.test('a token of nonsense', async (t) => {
    for (const head of heads) {
      for (const body of bodies) {
        const token = `${part(head)}.${part(body)}.AAAA`;
        const headers = { accept: 'application/json', authorization: `Bearer ${token}` };
        const page = await new Browser().ask(`${origin}/`, { headers });
        t.equal(page.status, 401, `${JSON.stringify(head)} ${JSON.stringify(body)}`);
        const door = await new Browser().ask(`${origin}${pages}/agent?backend=%`, { headers });
        t.equal(door.status, 401, `as an agent: ${JSON.stringify(head)} ${JSON.stringify(body)}`);
      }
    }
    t.ok(proxy.isRunning, 'the proxy lives');
  });

  const at = `${proxyHost}:${port}`;
  const next = `GET /next HTTP/1.1\r\nHost: ${at}\r\n\r\n`;
  const sized = `Content-Length: ${next.length}\r\n`;
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  const conversations: readonly (readonly [what: string, bytes: string, statuses: readonly number[]])[] = [
    ['a body that reads like a request', `POST /a HTTP/1.1\r\nHost: ${at}\r\n${sized}\r\n${next}`, [401]],
    ['the same with GET', `GET /a HTTP/1.1\r\nHost: ${at}\r\n${sized}\r\n${next}`, [401]],
    [
      'the same in chunks',
      `POST /a HTTP/1.1\r\nHost: ${at}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${next}`,
      [401],
    ],
    [
      'the same for a page of the proxy',
      `POST ${pages}/callback HTTP/1.1\r\nHost: ${at}\r\n${sized}\r\n${next}`,
      [405],
    ],
    ['no body, and a request behind it', `POST /a HTTP/1.1\r\nHost: ${at}\r\n\r\n${next}`, [401, 401]],
    [
      'an upgrade, and a request behind it',
      `GET /a HTTP/1.1\r\nHost: ${at}\r\n${upgrade}\r\n${next}`,
      [401, 401],
    ],
    ['HEAD, and a request behind it', `HEAD /a HTTP/1.1\r\nHost: ${at}\r\n\r\n${next}`, [401, 401]],
    ['HTTP/1.0', `GET /a HTTP/1.0\r\nHost: ${at}\r\nConnection: keep-alive\r\n\r\n${next}`, [401]],
    ['the absolute form', `GET http://${at}/a HTTP/1.1\r\nHost: ${at}\r\n\r\n${next}`, [401, 401]],
    ['the server as a whole', `OPTIONS * HTTP/1.1\r\nHost: ${at}\r\n\r\n${next}`, [401, 401]],
    [
      'the server as a whole, in the absolute form',
      `OPTIONS http://${at} HTTP/1.1\r\nHost: ${at}\r\n\r\n${next}`,
      [401, 401],
    ],
    ['no hop left', `OPTIONS /a HTTP/1.1\r\nHost: ${at}\r\nMax-Forwards: 0\r\n\r\n${next}`, [200, 401]],
    [
      'no hop left, and a body',
      `OPTIONS /a HTTP/1.1\r\nHost: ${at}\r\nMax-Forwards: 0\r\n${sized}\r\n${next}`,
      [200],
    ],
    ['a body that never comes', `POST /a HTTP/1.1\r\nHost: ${at}\r\n${sized}\r\n`, [401]],
    ['another port in Host', `GET /a HTTP/1.1\r\nHost: ${proxyHost}:1\r\n\r\n`, [401]],
    ['a dot behind the host', `GET /a HTTP/1.1\r\nHost: ${proxyHost}.\r\n\r\n`, [401]],
    ['a method of its own', `get /a HTTP/1.1\r\nHost: ${at}\r\n\r\n`, [401]],
    [
      'the reserved prefix in capitals',
      `GET ${pages.toUpperCase()}/x HTTP/1.1\r\nHost: ${at}\r\n\r\n`,
      [401],
    ],
    [
      'the reserved prefix, encoded',
      `GET /%2ewell-known/inverting-proxy/x HTTP/1.1\r\nHost: ${at}\r\n\r\n`,
      [401],
    ],
  ];
  for (const [what, bytes, statuses] of conversations) {
    await suite.test(`nobody gets further with ${what}`, async (t) => {
      const wire = await dial(t, { host: proxyHost, port });
      wire.write(bytes);
      wire.end();
      await wire.left();
      const answers = wire.unread.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g);
      t.strictSame(
        Array.from(answers, ([, status]) => Number(status)),
        statuses,
      );
    });
  }

  await suite.test('who goes while the gate still asks leaves nothing behind', async (t) => {
    const token = `${part({ alg: 'RS256', kid: 'x' })}.${part({ iss: issuer })}.AAAA`;
    const lines = `Host: ${at}\r\nAuthorization: Bearer ${token}\r\n`;
    for (const [body, leave] of [
      ['', (wire: Wire) => wire.reset()],
      [sized, (wire: Wire) => wire.reset()],
      [sized, (wire: Wire) => wire.end()],
      [upgrade, (wire: Wire) => wire.end()],
    ] as const) {
      const wire = await dial(t, { host: proxyHost, port });
      wire.write(`POST /a HTTP/1.1\r\n${lines}${body}\r\n`);
      leave(wire);
      await wire.left();
    }
    t.equal((await new Browser().ask(`${origin}/`, { headers: { accept: '*/*' } })).status, 401);
    t.ok(proxy.isRunning, 'the proxy lives');
  });

  await suite.test('nothing of all this reached the backend', (t) => {
    t.equal(reached.length, before);
    t.end();
  });
});
