/**
 * The sign-in in a real browser: Debian's Chromium, driven by playwright-core. What a scripted client takes on trust is seen
 * here: that a browser keeps these cookies, follows these redirects, sends this Origin, and shows these pages.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import { test } from 'tap';
import { WebSocketServer } from 'ws';
import { createCertificate } from '../e2e/support/certificate.ts';
import { listen } from '../e2e/support/listen.ts';
import { createSecret, isDirect, linksUp, mintToken, startAgent, startProxy } from '../e2e/support/tunnel.ts';
import { IdentityServer } from './support/identity-server.ts';
import { oidcEnv } from './support/proxy-with-sign-in.ts';

const executablePath = '/usr/bin/chromium';
const skip = isDirect
  ? 'the product is not in the path (E2E_DIRECT)'
  : !existsSync(executablePath) && `there is no ${executablePath}: apt-get install chromium`;
/** Longer than a start of Chromium on a machine with much else to do. */
const timeout = 30_000;

/** A page that opens a WebSocket to where it came from, and shows what it hears. */
const shopPage = `<!doctype html><title>shop</title><h1>The shop</h1><p id="socket">waiting</p><script>
const socket = new WebSocket(location.href.replace('http', 'ws') + 'socket');
const show = (text) => { document.getElementById('socket').textContent = text; };
socket.onopen = () => socket.send('hello');
socket.onmessage = ({ data }) => show(data);
socket.onclose = () => show('closed');
</script>`;

/** The same from elsewhere, in the name of whoever looks at it. */
const evilPage = (
  target: string,
): string => `<!doctype html><title>evil</title><p id="socket">waiting</p><script>
const socket = new WebSocket('${target}');
socket.onopen = () => { document.getElementById('socket').textContent = 'open'; };
socket.onerror = () => { document.getElementById('socket').textContent = 'refused'; };
</script>`;

async function socketSays(page: Page, text: string): Promise<boolean> {
  await page.locator('#socket', { hasText: text }).waitFor();
  return true;
}

test('in a real browser', { skip, timeout: 110_000 }, async (t) => {
  const shop = createServer((request, response) => {
    response.setHeader('content-type', 'text/html').end(request.url === '/' ? shopPage : 'another page');
  });
  const sockets = new WebSocketServer({ server: shop });
  sockets.on('connection', (socket) =>
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary })),
  );
  const evil = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(evilPage(`ws://127.0.0.1:${proxy.port}/socket`));
  });
  const [shopPort, evilPort] = await Promise.all([listen(shop), listen(evil)]);
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    for (const server of [shop, evil]) {
      server.closeAllConnections();
      server.close();
    }
  });
  const identity = await IdentityServer.listen(t);
  const secret = createSecret();
  const [proxy, token] = await Promise.all([
    startProxy(t, { secret, env: { ...oidcEnv(identity), CLIENT_ACCESS: '@example.com' } }),
    mintToken(t, secret, ['--backend', 'default']),
  ]);
  await linksUp(startAgent(t, { proxy, token, backend: shopPort }), 2);
  const origin = `http://127.0.0.1:${proxy.port}`;
  identity.allow(origin);
  identity.account = undefined;

  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'], timeout });
  t.teardown(() => browser.close());
  const open = async (): Promise<Page> => {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    context.setDefaultTimeout(timeout);
    return await context.newPage();
  };
  const page = await open();

  await t.test('the first page leads to the provider, and back to the page that was wanted', async (st) => {
    await page.goto(`${origin}/deep?a=b`);
    st.ok(page.url().startsWith(`${identity.issuer}/interaction/`), page.url());
    await page.click('#alice');
    await page.waitForURL(`${origin}/deep?a=b`);
    st.equal(await page.textContent('body'), 'another page');
    const cookies = await page.context().cookies(origin);
    const ours = cookies.filter(({ name }) => name.startsWith('inverting-proxy'));
    st.match(ours, [{ name: 'inverting-proxy-session', httpOnly: true, sameSite: 'Lax', path: '/' }]);
    st.notMatch(await page.evaluate('document.cookie'), 'inverting', 'no script sees it');
  });

  await t.test('the page behind it, and a WebSocket of that page', async (st) => {
    await page.goto(`${origin}/`);
    st.equal(await page.textContent('h1'), 'The shop');
    st.ok(await socketSays(page, 'hello'));
  });

  await t.test('a page of another site opens no WebSocket in the name of who is signed in', async (st) => {
    const other = await page.context().newPage();
    await other.goto(`http://127.0.0.1:${evilPort}/`);
    st.ok(
      await socketSays(other, 'refused'),
      'another port of the same host, whose cookies browsers send along',
    );
    await other.close();
  });

  await t.test('the sign-out, and the way in is closed again', async (st) => {
    await page.goto(`${origin}/.well-known/inverting-proxy/sign-out`);
    st.match(await page.textContent('body'), 'alice@example.com');
    await page.click('button');
    await page.waitForURL(`${identity.issuer}/**`);
    const names = (await page.context().cookies(origin)).map(({ name }) => name);
    st.notOk(names.includes('inverting-proxy-session'));
    // The provider asks whether its own session is to end as well.
    await page.click('button[name=logout]');
    await page.waitForURL(`${identity.issuer}/session/end/success**`);
    await page.goto(`${origin}/`);
    st.ok(page.url().startsWith(`${identity.issuer}/interaction/`), page.url());
  });

  await t.test('who is not on the list sees whom the page takes them for, and can leave', async (st) => {
    const stranger = await open();
    await stranger.goto(`${origin}/`);
    await stranger.click('#mallory');
    await stranger.waitForURL(`${origin}/`);
    st.equal(await stranger.textContent('h1'), '403 Forbidden');
    st.match(await stranger.textContent('body'), 'mallory@evil.example');
    const widths: unknown = await stranger.evaluate('[document.documentElement.scrollWidth, innerWidth]');
    st.strictSame(widths, [390, 390], 'on a phone, nothing is cut off');
    await stranger.click('text=Sign out');
    await stranger.waitForURL(`${identity.issuer}/**`);
  });

  await t.test('over https, the browser takes the session as one of this host alone', async (st) => {
    const { cert, key } = createCertificate();
    const folder = await mkdtemp(join(tmpdir(), 'sign-in-'));
    st.teardown(() => rm(folder, { recursive: true, force: true }));
    const paths = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    await Promise.all([writeFile(paths.cert, cert), writeFile(paths.key, key)]);
    const tls = { TLS_CERT_FILE: paths.cert, TLS_KEY_FILE: paths.key };
    const secure = await startProxy(st, {
      secret,
      env: { ...oidcEnv(identity), ...tls, CLIENT_ACCESS: '@example.com' },
    });
    const env = { PROXY_CA_FILE: paths.cert };
    await linksUp(startAgent(st, { proxy: secure, token, backend: shopPort, env }), 2);
    const site = `https://127.0.0.1:${secure.port}`;
    identity.allow(origin, site);
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    context.setDefaultTimeout(timeout);
    const shopper = await context.newPage();
    await shopper.goto(`${site}/`);
    await shopper.click('#alice');
    await shopper.waitForURL(`${site}/`);
    st.ok(await socketSays(shopper, 'hello'), 'a WebSocket over TLS too');
    const ours = (await context.cookies(site)).filter(({ name }) => name.includes('inverting-proxy'));
    st.match(ours, [{ name: '__Host-inverting-proxy-session', secure: true, httpOnly: true, path: '/' }]);
  });
});
