/**
 * Requests that no honest client makes, before anybody is known: whatever stands in a host or in a token that nobody has
 * signed, the proxy answers it and lives on. Against a real proxy with a sign-in.
 */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { t as file, test } from 'tap';
import { productOnly } from '../e2e/support/tunnel.ts';
import { Browser } from './support/browser.ts';
import { startWithSignIn } from './support/proxy-with-sign-in.ts';

const pages = '/.well-known/inverting-proxy';

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

test('what no honest client sends', productOnly, async (suite) => {
  const { origin, identity, proxy, reached } = await startWithSignIn(file, { MAX_FAILURES_PER_ADDRESS: '0' });
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
      }
    }
    t.ok(proxy.isRunning, 'the proxy lives');
  });

  await suite.test('nothing of all this reached the backend', (t) => {
    t.equal(reached.length, before);
    t.end();
  });
});
