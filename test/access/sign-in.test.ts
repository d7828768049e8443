/** Signing in, against a real identity server: there and back, what is behind it, who may not pass, and signing out. */
import { t as file, test } from 'tap';
import { says } from '../e2e/support/program.ts';
import { productOnly } from '../e2e/support/tunnel.ts';
import { Browser } from './support/browser.ts';
import type { Page } from './support/browser.ts';
import { clientSecret } from './support/identity-server.ts';
import { sessionSecret, startWithSignIn } from './support/proxy-with-sign-in.ts';

const pages = '/.well-known/inverting-proxy';

test('with a sign-in in front of the backend', productOnly, async (suite) => {
  const { origin, host, identity, proxy, reached } = await startWithSignIn(file);

  const browsers: Browser[] = [];
  const newBrowser = (): Browser => {
    const browser = new Browser();
    browsers.push(browser);
    return browser;
  };

  const signedIn = async (account = 'alice'): Promise<Browser> => {
    identity.account = account;
    const browser = newBrowser();
    await browser.open(`${origin}/`);
    return browser;
  };

  await suite.test('a browser is sent to the provider and comes back to where it wanted to go', async (t) => {
    const browser = newBrowser();
    const page = await browser.open(`${origin}/a/page?with=query&x=%2F`);
    t.equal(page.status, 200, page.body);
    t.equal(page.url, `${origin}/a/page?with=query&x=%2F`);
    const [first] = browser.seen;
    t.equal(first?.status, 302);
    t.equal(first?.headers['cache-control'], 'no-store');
    const sent = new URL(first?.headers['location'] ?? '');
    t.equal(sent.origin, identity.issuer);
    const query = Object.fromEntries(sent.searchParams);
    t.match(query, {
      response_type: 'code',
      scope: 'openid email groups',
      code_challenge_method: 'S256',
      redirect_uri: `${origin}${pages}/callback`,
    });
    for (const name of ['state', 'nonce', 'code_challenge']) t.match(query[name], /^[\w-]{43}$/, name);
    t.same(reached, ['/a/page?with=query&x=%2F'], 'nothing reached the backend before');
    // A page of many pieces, with the session alone.
    const more = await browser.ask(`${origin}/piece`, { headers: { accept: 'image/png' } });
    t.equal(more.status, 200);
  });

  await suite.test(
    'cookies are for this host alone, out of reach of scripts, and gone when they are used',
    async (t) => {
      const browser = await signedIn();
      const set = browser.seen
        .flatMap(({ setCookies }) => setCookies)
        .filter((line) => line.includes('inverting'));
      t.equal(set.length, 3, 'one for the way, one session, and the first cleared');
      for (const line of set)
        t.match(line, /^inverting-proxy-[\w-]+=[\w.-]*; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
      t.match(set[0], 'Max-Age=1800;');
      t.match(set[1], 'Max-Age=43200;');
      t.match(set[2], 'Max-Age=0;');
      t.strictSame(
        Array.from(browser.jar.get(host)?.keys() ?? []).filter((name) => name.startsWith('inverting')),
        ['inverting-proxy-session'],
      );
    },
  );

  await suite.test('neither the session nor a sign-in under way is shown to the backend', async (t) => {
    const browser = await signedIn();
    const cookie = `a=1; ${browser.cookies(host)}; inverting-proxy-sign-in-12345678=x; __Host-inverting-proxy-session=y; b=2`;
    const { body } = await browser.ask(`${origin}/`, { cookie });
    const { headers } = JSON.parse(body);
    t.notMatch(headers.cookie, /inverting-proxy/);
    t.match(headers.cookie, /^a=1; .*b=2$/);
  });

  await suite.test('who is no person at a page hears 401 and is not sent anywhere', async (t) => {
    const rows: readonly [string, string, Record<string, string>][] = [
      ['a program', 'GET', { accept: 'application/json' }],
      ['curl', 'GET', { accept: '*/*' }],
      ['a form', 'POST', {}],
      ['a script of a page', 'GET', { 'sec-fetch-mode': 'cors' }],
      ['a WebSocket', 'GET', { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x' }],
    ];
    const before = reached.length;
    await Promise.all(
      rows.map(async ([who, method, headers]) => {
        const page = await newBrowser().ask(`${origin}/x`, { method, headers });
        t.equal(page.status, 401, who);
        t.equal(page.headers['www-authenticate'], 'Bearer', who);
        t.match(page.headers['proxy-status'], 'details="sign_in_required"', who);
        t.strictSame(page.setCookies, [], who);
        if (who === 'a form') t.match(page.body, `href="${pages}/sign-in?return&#61;%2F">Sign in</a>`);
      }),
    );
    t.equal(reached.length, before, 'nothing reached the backend');
  });

  await suite.test(
    'who is not on the list gets a page that names the account and leads to another one',
    async (t) => {
      const before = reached.length;
      const browser = await signedIn('mallory');
      const last = browser.seen.at(-1);
      t.equal(last?.status, 403);
      t.match(last?.body, 'Signed in as <b>mallory@evil.example</b>');
      t.match(last?.body, `href="${pages}/sign-in?return&#61;%2F&#38;other&#61;1"`);
      t.match(last?.body, `action="${pages}/sign-out"`);
      const json = await browser.ask(`${origin}/`, { headers: { accept: 'application/json' } });
      t.match(JSON.parse(json.body), { status: 403, code: 'access_denied', account: 'mallory@evil.example' });
      t.equal(reached.length, before, 'nothing reached the backend');
      const link = await browser.ask(`${origin}${pages}/sign-in?return=%2Fdeep&other=1`);
      t.equal(new URL(link.headers['location'] ?? '').searchParams.get('prompt'), 'login');
      identity.account = 'alice';
      // The provider itself would ask whether one account is to be left for the other.
      for (const name of browser.jar.get(host)?.keys() ?? [])
        if (name.startsWith('_')) browser.jar.get(host)?.delete(name);
      const page = await browser.open(link.headers['location'] ?? '');
      t.equal(page.status, 200, 'as somebody else');
      t.equal(page.url, `${origin}/deep`);
    },
  );

  await suite.test(
    'signing out ends the session, here and at the provider, for copies of the cookie too',
    async (t) => {
      const browser = await signedIn();
      const copy = browser.cookies(host);
      const question = await browser.ask(`${origin}${pages}/sign-out`);
      t.match(question.body, '<form method="post"');
      t.match(question.body, 'alice@example.com');
      t.equal((await browser.ask(`${origin}/`)).status, 200, 'looking at the page changes nothing');
      const gone = await browser.ask(`${origin}${pages}/sign-out`, { method: 'POST', headers: { origin } });
      t.equal(gone.status, 303);
      const provider = new URL(gone.headers['location'] ?? '');
      t.equal(provider.origin, identity.issuer);
      t.ok(provider.searchParams.get('id_token_hint'), 'the provider need not ask who it is');
      t.equal(browser.cookie(host, 'proxy-session'), undefined);
      const headers = { accept: '*/*' };
      t.equal((await newBrowser().ask(`${origin}/`, { cookie: copy, headers })).status, 401);
    },
  );

  await suite.test('the sign-out is pressed by a page of this site or not at all', async (t) => {
    const browser = await signedIn();
    const press = (headers: Record<string, string>): Promise<Page> =>
      browser.ask(`${origin}${pages}/sign-out`, { method: 'POST', headers });
    t.equal((await press({ origin: 'https://evil.example' })).status, 403);
    t.equal((await press({ origin: 'null' })).status, 403);
    t.equal((await press({ 'sec-fetch-site': 'cross-site' })).status, 403);
    t.equal((await press({})).status, 403, 'and nobody knows who it was');
    t.equal((await browser.ask(`${origin}/`)).status, 200, 'still signed in');
    t.equal((await press({ 'sec-fetch-site': 'same-origin' })).status, 303);
  });

  await suite.test("nothing else below the reserved path is anybody's, signed in or not", async (t) => {
    const browser = await signedIn();
    const before = reached.length;
    for (const path of [pages, `${pages}/`, `${pages}/other`, `${pages}/sign-in/`, `${pages}/SIGN-IN`]) {
      // oxlint-disable-next-line no-await-in-loop -- a table
      const page = await browser.ask(`${origin}${path}`);
      t.equal(page.status, 404, path);
      t.match(page.headers['proxy-status'], 'details="no_page"');
    }
    const wrong = await browser.ask(`${origin}${pages}/callback`, { method: 'POST' });
    t.equal(wrong.status, 405);
    t.equal(wrong.headers['allow'], 'GET');
    t.equal(reached.length, before);
  });

  await suite.test('new keys at the provider are noticed by themselves', async (t) => {
    await signedIn();
    identity.rotate();
    const browser = await signedIn();
    t.equal(browser.seen.at(-1)?.status, 200);
  });

  await suite.test('a provider that is away keeps nobody out who is in, and tells the others', async (t) => {
    const browser = await signedIn();
    identity.isAway = true;
    t.equal((await browser.ask(`${origin}/`)).status, 200);
    // Its metadata are known: a browser is sent there, and cannot come back with anything.
    const pending = newBrowser();
    const sent = await pending.ask(`${origin}/`);
    t.equal(sent.status, 302);
    const state = new URL(sent.headers['location'] ?? '').searchParams.get('state');
    const query = `code=x&state=${state}&iss=${encodeURIComponent(identity.issuer)}`;
    const back = await pending.ask(`${origin}${pages}/callback?${query}`);
    t.equal(back.status, 503, back.body);
    t.equal(back.headers['retry-after'], '5');
    const out = await browser.ask(`${origin}${pages}/sign-out`, { method: 'POST', headers: { origin } });
    t.equal(out.status, 303, 'the way to its sign-out is known');
    identity.isAway = false;
    t.equal((await signedIn()).seen.at(-1)?.status, 200, 'and back');
  });

  await suite.test('the log says who came and went', async (t) => {
    t.match(await proxy.line(says('signed in')), { subject: 'alice', host });
    t.match(await proxy.line(says('signed out')), { subject: 'alice', host });
  });

  await suite.test('no token, cookie or secret stands in the log, at debug', (t) => {
    const text = proxy.lines.map((line) => JSON.stringify(line)).join('\n') + proxy.output;
    const words = new Set([...identity.issued, clientSecret, sessionSecret]);
    for (const { url, headers, setCookies } of browsers.flatMap(({ seen }) => seen)) {
      const to = URL.parse(headers['location'] ?? '', url)?.searchParams;
      for (const name of ['state', 'nonce', 'code', 'code_challenge', 'id_token_hint'])
        words.add(to?.get(name) ?? '');
      for (const line of setCookies) words.add(line.split(/[=;]/)[1] ?? '');
    }
    const secrets = Array.from(words).filter((word) => word.length > 8);
    t.ok(secrets.length > 50, `${secrets.length} secrets`);
    t.ok(text.length > 10_000);
    t.strictSame(
      secrets.filter((word) => text.includes(word)),
      [],
    );
    t.end();
  });
});
