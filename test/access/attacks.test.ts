/**
 * What an attacker would do to a sign-in and its sessions, against a real proxy and a real identity server. Each row is a
 * request that must get nothing, beside the honest one that gets it.
 */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { t as file, test } from 'tap';
import { WebSocket } from 'ws';
import { within } from '../e2e/support/deadline.ts';
import { productOnly } from '../e2e/support/tunnel.ts';
import { Browser } from './support/browser.ts';
import { IdentityServer } from './support/identity-server.ts';
import { sessionSecret, startWithSignIn } from './support/proxy-with-sign-in.ts';

const pages = '/.well-known/inverting-proxy';
/** Attacks come by the dozen here. */
const manyFailures = { MAX_FAILURES_PER_ADDRESS: '0' };

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString());
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

test('attacks', productOnly, async (suite) => {
  const identity = await IdentityServer.listen(file);
  const [setting, other] = await Promise.all([
    startWithSignIn(file, manyFailures, identity),
    startWithSignIn(
      file,
      { ...manyFailures, SESSION_SECRET: 'the secret of another proxy which is long enough' },
      identity,
    ),
  ]);
  identity.allow(setting.origin, other.origin);
  const { origin, host, reached } = setting;
  const program = { accept: 'application/json' };

  /** Somebody at the provider's door, with the way back in hand and not yet taken. */
  const halfway = async (browser = new Browser(), at = origin): Promise<string> => {
    let page = await browser.ask(`${at}/private`);
    for (let hops = 0; hops < 10; hops += 1) {
      const next = new URL(page.headers['location'] ?? '', page.url).href;
      if (next.startsWith(at)) return next;
      page = await browser.ask(next);
    }
    throw new Error('no way back');
  };

  const signedIn = async (at = origin): Promise<Browser> => {
    const browser = new Browser();
    await browser.open(`${at}/`);
    return browser;
  };

  await suite.test('a way back that was taken is not taken again', async (t) => {
    const browser = new Browser();
    const back = await halfway(browser);
    const kept = browser.cookies(host);
    t.equal((await browser.ask(back)).status, 303);
    const again = await new Browser().ask(back, { cookie: kept });
    t.equal(again.status, 400, 'with the same cookie, state and code');
    t.match(again.headers['proxy-status'], 'details="sign_in_failed"');
    t.notOk(again.setCookies.some((line) => line.includes('proxy-session')));
    t.equal((await browser.ask(back)).status, 400, 'with the cookies of now');
  });

  await suite.test('of two at the same time, one is taken', async (t) => {
    const browser = new Browser();
    const back = await halfway(browser);
    const cookie = browser.cookies(host);
    const pagesOfBoth = await Promise.all([1, 2].map(() => new Browser().ask(back, { cookie })));
    t.strictSame(
      pagesOfBoth.map(({ status }) => status).toSorted((a, b) => a - b),
      [303, 400],
    );
  });

  await suite.test('a code that was used is not taken under a new state', async (t) => {
    const first = new Browser();
    const back = new URL(await halfway(first));
    t.equal((await first.ask(back.href)).status, 303);
    const second = new Browser();
    const fresh = new URL(await halfway(second));
    fresh.searchParams.set('code', back.searchParams.get('code') ?? '');
    const page = await second.ask(fresh.href);
    t.equal(page.status, 400);
    t.equal(second.cookie(host, 'proxy-session'), undefined);
  });

  await suite.test('nobody can be made to finish what somebody else began (login CSRF)', async (t) => {
    const attacker = new Browser();
    const back = await halfway(attacker);
    const victim = new Browser();
    t.equal((await victim.ask(back)).status, 400, 'a browser that began nothing');
    await halfway(victim);
    t.equal((await victim.ask(back)).status, 400, 'a browser that began something else');
    t.equal(victim.cookie(host, 'proxy-session'), undefined);
    const url = new URL(back);
    url.searchParams.set('state', new URL(await halfway(victim)).searchParams.get('state') ?? '');
    const swapped = await victim.ask(url.href);
    t.equal(
      swapped.status,
      400,
      "the victim's own state with the attacker's code: PKCE and nonce do not fit",
    );
    t.equal(victim.cookie(host, 'proxy-session'), undefined);
  });

  await suite.test('a changed way back is not taken', async (t) => {
    const rows: readonly (readonly [string, (url: URL) => void])[] = [
      ['no state', (url) => url.searchParams.delete('state')],
      ['an empty state', (url) => url.searchParams.set('state', '')],
      ['another state', (url) => url.searchParams.set('state', 'x'.repeat(43))],
      ['two states', (url) => url.searchParams.append('state', 'x')],
      ['no code', (url) => url.searchParams.delete('code')],
      ['two codes', (url) => url.searchParams.append('code', 'x')],
      ['of another issuer (RFC 9207)', (url) => url.searchParams.set('iss', 'https://evil.example')],
      ['of no issuer (RFC 9207)', (url) => url.searchParams.delete('iss')],
      ['an error', (url) => url.searchParams.set('error', 'access_denied')],
    ];
    for (const [what, change] of rows) {
      const browser = new Browser();
      const url = new URL(await halfway(browser));
      change(url);
      const page = await browser.ask(url.href);
      t.equal(page.status, 400, what);
      t.equal(browser.cookie(host, 'proxy-session'), undefined, what);
      t.notMatch(page.body, /evil|xxxx/, 'nothing of it is shown');
    }
  });

  await suite.test('ID tokens that the provider did not sign for this sign-in are not taken', async (t) => {
    const rows: readonly (readonly [string, (head: string, body: string, signature: string) => string])[] = [
      ['another e-mail', (h, b, s) => `${h}.${encode({ ...decode(b), email: 'boss@example.com' })}.${s}`],
      ['another subject', (h, b, s) => `${h}.${encode({ ...decode(b), sub: 'boss' })}.${s}`],
      ['signature stripped', (h, b) => `${h}.${b}.`],
      ['alg none', (h, b) => `${encode({ ...decode(h), alg: 'none' })}.${b}.`],
      ['alg HS256', (h, b, s) => `${encode({ ...decode(h), alg: 'HS256' })}.${b}.${s}`],
      ['no token', () => ''],
    ];
    for (const [what, forge] of rows) {
      const browser = new Browser();
      const back = await halfway(browser);
      identity.forge = (path, body) => {
        if (path !== '/token') return body;
        const answer = JSON.parse(body);
        const [h = '', b = '', s = ''] = String(answer.id_token).split('.');
        return JSON.stringify({ ...answer, id_token: forge(h, b, s) });
      };
      const page = await browser.ask(back);
      identity.forge = undefined;
      t.equal(page.status, 400, what);
      t.equal(browser.cookie(host, 'proxy-session'), undefined, what);
    }
    t.equal((await signedIn()).seen.at(-1)?.status, 200, 'the honest one');
  });

  await suite.test('an e-mail address that the provider has not verified lets nobody in', async (t) => {
    identity.accounts.set('eve', { email: 'boss@example.com', email_verified: false, groups: [] });
    identity.account = 'eve';
    const page = (await signedIn()).seen.at(-1);
    identity.account = 'alice';
    t.equal(page?.status, 403);
    t.match(page?.body, 'Signed in as <b>eve</b>', 'and is not how they are called');
  });

  await suite.test('a session cookie that is not one of this proxy is none', async (t) => {
    const mine = (await signedIn()).cookie(host, 'proxy-session') ?? '';
    const theirs = (await signedIn(other.origin)).cookie(host, 'proxy-session') ?? '';
    const half = new Browser();
    await halfway(half);
    const pending =
      Array.from(half.jar.get(host) ?? []).find(([name]) => name.includes('sign-in'))?.[1] ?? '';
    t.ok(mine !== '' && theirs !== '' && pending !== '');
    const name = 'inverting-proxy-session';
    const ask = async (cookie: string): Promise<number> =>
      (await new Browser().ask(`${origin}/`, { cookie, headers: program })).status;
    t.equal(await ask(`${name}=${mine}`), 200);
    const before = reached.length;
    const rows: readonly (readonly [string, string])[] = [
      ['of another proxy', `${name}=${theirs}`],
      ['one that waits for a sign-in', `${name}=${pending}`],
      ['changed', `${name}=${mine.slice(0, 100)}${mine[100] === 'A' ? 'B' : 'A'}${mine.slice(101)}`],
      ['cut', `${name}=${mine.slice(0, -10)}`],
      ['empty', `${name}=`],
      ['twice', `${name}=${mine}; ${name}=${mine}`],
      ['under the name for https', `__Host-${name}=${mine}`],
      ['in quotes', `${name}="${mine}"`],
      ['a JSON', `${name}={"s":"alice","e":"alice@example.com"}`],
    ];
    for (const [what, cookie] of rows) t.equal(await ask(cookie), 401, what);
    const elsewhere = await new Browser().ask(`${origin}/`, {
      cookie: `${name}=${mine}`,
      headers: { ...program, host: 'other.example' },
    });
    t.equal(elsewhere.status, 401, 'at another host');
    t.equal(reached.length, before, 'nothing reached the backend');
  });

  await suite.test('nobody is sent to another place than a path of this host', async (t) => {
    const rows = [
      '//evil.example',
      '///evil.example',
      '/\\evil.example',
      '\\\\evil.example',
      'https://evil.example',
      'https:evil.example',
      `${new URL(origin).host}@evil.example`,
      `//${new URL(origin).host}@evil.example`,
      '/%0d%0aSet-Cookie:%20a=b\r\nSet-Cookie: a=b',
      '/\tevil',
      '/.//evil.example',
      'javascript:alert(1)',
    ];
    for (const path of rows) {
      const browser = new Browser();
      await browser.ask(`${origin}${pages}/sign-in?return=${encodeURIComponent(path)}`);
      const first = browser.seen[0]?.headers['location'] ?? '';
      t.ok(first.startsWith(`${identity.issuer}/`), 'to the provider');
      let page = await browser.ask(first);
      while (page.headers['location']?.startsWith(`${origin}${pages}/callback`) !== true)
        page = await browser.ask(new URL(page.headers['location'] ?? '', page.url).href);
      const back = await browser.ask(page.headers['location']);
      t.equal(back.status, 303);
      t.equal(back.headers['location'], '/', encodeURI(path));
      t.notOk(back.setCookies.some((line) => line.startsWith('a=')));
    }
    // As the path that was asked for: what looks like a host stays a path, or is not gone back to.
    for (const path of ['//evil.example/x', '/\\evil.example', '/x//evil.example']) {
      const browser = new Browser();
      const page = await browser.open(`${origin}${path}`);
      t.ok(page.url.startsWith(origin), path);
    }
  });

  await suite.test('a page of another site opens no WebSocket in the name of who is signed in', async (t) => {
    const cookie = (await signedIn()).cookies(host);
    const open = async (headers: Record<string, string>): Promise<number> => {
      const socket = new WebSocket(`${origin.replace('http', 'ws')}/socket`, { headers });
      const coming = Promise.withResolvers<number>();
      socket.on('error', () => {});
      socket.on('open', () => coming.resolve(101));
      socket.on('unexpected-response', (_request, response) => {
        response.resume();
        coming.resolve(response.statusCode ?? 0);
      });
      try {
        return await within(5_000, () => 'an answer to the upgrade', coming.promise);
      } finally {
        socket.terminate();
      }
    };
    const before = reached.length;
    t.equal(await open({ cookie, origin: 'https://evil.example' }), 403);
    t.equal(await open({ cookie, origin: origin.replace('http:', 'https:') }), 403, 'another scheme');
    t.equal(await open({ cookie, origin: `http://${host}` }), 403, 'another port');
    t.equal(await open({ cookie, origin: 'null' }), 403);
    t.equal(await open({ cookie }), 403, 'no word of where it is from');
    t.equal(await open({ origin }), 401, 'nobody signed in');
    t.equal(reached.length, before, 'nothing reached the backend');
    t.equal(await open({ cookie, origin }), 101, 'the honest one');
  });

  await suite.test('a sign-in under way does not pile up cookies without end', async (t) => {
    const browser = new Browser();
    for (let count = 0; count < 20; count += 1) await browser.ask(`${origin}/tab/${count}`);
    const pending = Array.from(browser.jar.get(host)?.keys() ?? []).filter((name) =>
      name.includes('sign-in'),
    );
    t.ok(pending.length <= 5, `${pending.length}`);
    t.equal((await browser.open(`${origin}/last`)).url, `${origin}/last`);
  });

  await suite.test('no secret of all this stands in a log, at debug', (t) => {
    const text = [setting, other].map(({ proxy }) => JSON.stringify(proxy.lines) + proxy.output).join('\n');
    const words = [...identity.issued, sessionSecret].filter((word) => word.length > 8);
    t.ok(words.length > 20);
    t.strictSame(
      words.filter((word) => text.includes(word)),
      [],
    );
    t.end();
  });
});
