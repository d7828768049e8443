/**
 * Sessions over time, against a real identity server: asked after in the background, ended when the provider takes the grant
 * back, and going on while it is away. And a proxy that starts before its provider.
 */
/* oxlint-disable no-await-in-loop -- a transcript goes step by step */
import { t as file, test } from 'tap';
import { says } from '../e2e/support/program.ts';
import { productOnly } from '../e2e/support/tunnel.ts';
import { Browser } from './support/browser.ts';
import type { Page } from './support/browser.ts';
import { IdentityServer } from './support/identity-server.ts';
import { startWithSignIn } from './support/proxy-with-sign-in.ts';

const program = { accept: 'application/json' };

/** Asks again until the answer is the one that is waited for, or it is too late. */
async function until(ask: () => Promise<Page>, isIt: (page: Page) => boolean): Promise<Page> {
  const untilMs = performance.now() + 10_000;
  let page = await ask();
  while (!isIt(page) && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    page = await ask();
  }
  return page;
}

function renewedSession({ setCookies }: Page): boolean {
  return setCookies.some((line) => line.startsWith('inverting-proxy-session='));
}

test('sessions over time', productOnly, async (suite) => {
  const { origin, host, identity, proxy } = await startWithSignIn(file, {
    CLIENT_ACCESS: 'group:staff',
    SESSION_REFRESH_INTERVAL: '100ms',
  });
  const signedIn = async (): Promise<Browser> => {
    const browser = new Browser();
    await browser.open(`${origin}/`);
    return browser;
  };

  await suite.test(
    'what the provider says anew is known without anybody waiting, and kept by the browser',
    async (t) => {
      const browser = await signedIn();
      const cookie = browser.cookie(host, 'proxy-session');
      const page = await until(() => browser.ask(`${origin}/x`, { headers: program }), renewedSession);
      t.equal(page.status, 200);
      t.ok(renewedSession(page), 'the answer of the backend carries the renewed session');
      t.not(browser.cookie(host, 'proxy-session'), cookie);
      t.equal(page.headers['content-type'], 'application/json', 'and is the answer of the backend');
      t.equal(page.headers['cache-control'], 'private', 'which no cache keeps for everybody');
    },
  );

  await suite.test('who leaves the group is let in no more, without signing in anew', async (t) => {
    const browser = await signedIn();
    const claims = identity.accounts.get('alice') ?? {};
    identity.accounts.set('alice', { ...claims, groups: ['ops'] });
    const page = await until(
      () => browser.ask(`${origin}/x`, { headers: program }),
      ({ status }) => status !== 200,
    );
    identity.accounts.set('alice', claims);
    t.equal(page.status, 403);
    t.match(JSON.parse(page.body), { code: 'access_denied', account: 'alice@example.com' });
  });

  await suite.test('a provider that is away changes nothing for who is signed in', async (t) => {
    const browser = await signedIn();
    const from = proxy.lines.length;
    identity.isAway = true;
    await until(
      () => browser.ask(`${origin}/x`, { headers: program }),
      () => proxy.lines.slice(from).some(says('session not confirmed')),
    );
    t.match(await proxy.line(says('session not confirmed'), from), { code: 'provider_away' });
    t.equal((await browser.ask(`${origin}/x`, { headers: program })).status, 200);
    identity.isAway = false;
  });

  await suite.test('an account that is closed ends its sessions', async (t) => {
    const browser = await signedIn();
    identity.closed.add('alice');
    const page = await until(
      () => browser.ask(`${origin}/x`, { headers: program }),
      ({ status }) => status !== 200,
    );
    identity.closed.delete('alice');
    t.equal(page.status, 401);
    t.match(await proxy.line(says('session ended by the identity provider')), { code: 'provider_refused' });
  });
});

test(
  'a proxy that starts before its provider says so, and lets people in when it is there',
  productOnly,
  async (t) => {
    const identity = await IdentityServer.listen(t);
    identity.isAway = true;
    const { origin } = await startWithSignIn(t, {}, identity);
    const browser = new Browser();
    const page = await browser.ask(`${origin}/`);
    t.equal(page.status, 503);
    t.match(page.headers['proxy-status'], 'details="sign_in_unavailable"');
    t.equal(page.headers['retry-after'], '5');
    const asked = identity.asked.length;
    for (let count = 0; count < 20; count += 1) await browser.ask(`${origin}/`);
    t.ok(identity.asked.length - asked <= 1, 'it is not asked for each of them');
    identity.isAway = false;
    const last = await until(
      () => browser.open(`${origin}/wanted`),
      ({ status }) => status === 200,
    );
    t.equal(last.status, 200);
    t.equal(last.url, `${origin}/wanted`);
  },
);
