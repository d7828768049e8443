/** Sessions in their cookies: how long they are good, for whom and where, and that they fit into what a browser takes. */
import { test } from 'tap';
import { createSealer } from '../../shared/auth/sealed.ts';
import { ourCookies, onlyValue } from '../../proxy/access/cookies.ts';
import { sessionCookie, Sessions } from '../../proxy/access/session.ts';
import type { Session, SessionsOptions } from '../../proxy/access/session.ts';
import type { Site } from '../../proxy/access/site.ts';
import type { User } from '../../proxy/exchange.ts';
import { ask } from './support/visit.ts';

const hour = 3_600_000;
const site: Site = { isSecure: true, origin: 'https://shop.example.com', host: 'shop.example.com' };
const alice: User = {
  subject: '1',
  issuer: 'https://id.example',
  email: 'alice@example.com',
  groups: ['staff', 'ops'],
};

function create(clock: { nowMs: number }, more: Partial<SessionsOptions> = {}): Sessions {
  return new Sessions({
    sealer: createSealer({ secrets: ['a secret of more than thirty-two bytes'], purpose: 'session' }),
    issuer: 'https://id.example',
    clientId: 'proxy',
    isNamed: () => false,
    ttlMs: 12 * hour,
    idleTimeoutMs: 4 * hour,
    now: () => clock.nowMs,
    ...more,
  });
}

/** What a browser sends back of a Set-Cookie. */
function pairOf(setCookie: string): string {
  return setCookie.slice(0, setCookie.indexOf(';'));
}

function isNamed(group: string): boolean {
  return group.endsWith('499');
}

async function read(sessions: Sessions, cookie: string, at = site): Promise<Session | undefined> {
  const { exchange } = ask({ lines: [`Cookie: ${cookie}`] });
  return await sessions.read(ourCookies(exchange.request.fields), at);
}

test('on https the cookie is of this host alone, and out of reach of scripts', async (t) => {
  const clock = { nowMs: 1e12 };
  const sessions = create(clock);
  const session = sessions.begin(site, alice);
  const cookie = await sessions.write(session, site);
  t.match(
    cookie,
    /^__Host-inverting-proxy-session=[\w.-]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure$/,
  );
  t.strictSame(await read(sessions, pairOf(cookie)), session);
  t.match(
    await sessions.write(session, { ...site, isSecure: false }),
    /^inverting-proxy-session=[^;]+;.*Lax$/,
  );
  clock.nowMs += hour;
  t.match(await sessions.write(session, site), 'Max-Age=39600;', 'its end does not move');
});

test('it ends after its absolute life, however often it is seen, and after its idle life without a request', async (t) => {
  const clock = { nowMs: 1e12 };
  const sessions = create(clock);
  let session = sessions.begin(site, alice);
  let cookie = pairOf(await sessions.write(session, site));
  clock.nowMs += 4 * hour - 1_000;
  t.ok(await read(sessions, cookie));
  clock.nowMs += 2_000;
  t.notOk(await read(sessions, cookie), 'idle, and known from before');
  t.notOk(await read(create(clock), cookie), 'idle, and opened anew');
  for (let hours = 4; hours < 12; hours += 1) {
    session = sessions.renew(session);
    // oxlint-disable-next-line no-await-in-loop -- one hour after the other
    cookie = pairOf(await sessions.write(session, site));
    // oxlint-disable-next-line no-await-in-loop
    t.ok(await read(sessions, cookie));
    clock.nowMs += hour;
  }
  t.notOk(await read(sessions, cookie), 'after its absolute life');
  t.notOk(await read(create(clock), cookie));
});

test('its cookie is set anew when a tenth of the idle life has passed, or the provider has news', (t) => {
  const clock = { nowMs: 1e12 };
  const sessions = create(clock);
  const session = sessions.begin(site, alice);
  clock.nowMs += 0.4 * hour - 1_000;
  t.notOk(sessions.isStale(session));
  clock.nowMs += 2_000;
  t.ok(sessions.isStale(session));
  const confirmed = { user: { ...alice, groups: [] }, atSeconds: clock.nowMs / 1000 };
  const renewed = sessions.renew(session, confirmed);
  t.notOk(sessions.isStale(renewed));
  t.strictSame(renewed.user.groups, []);
  t.equal(renewed.beganAt, session.beganAt);
  t.equal(renewed.id, session.id);
  t.end();
});

test('it is nothing at another host, for another provider or client, or by another secret', async (t) => {
  const clock = { nowMs: 1e12 };
  const sessions = create(clock);
  const cookie = pairOf(await sessions.write(sessions.begin(site, alice), site));
  const bank: Site = { ...site, host: 'bank.example.com', origin: 'https://bank.example.com' };
  t.ok(await read(sessions, cookie));
  t.notOk(await read(sessions, cookie, bank), 'known from before');
  t.notOk(await read(create(clock), cookie, bank), 'opened anew');
  t.notOk(await read(create(clock, { issuer: 'https://other.example' }), cookie));
  t.notOk(await read(create(clock, { clientId: 'other' }), cookie));
  const sealer = createSealer({ secrets: ['another secret of thirty-two bytes'], purpose: 'session' });
  t.notOk(await read(create(clock, { sealer }), cookie));
});

test('a cookie under another name, or two under one, is no session', async (t) => {
  const clock = { nowMs: 1e12 };
  const sessions = create(clock);
  const cookie = pairOf(await sessions.write(sessions.begin(site, alice), site));
  const value = cookie.slice(cookie.indexOf('=') + 1);
  t.notOk(
    await read(sessions, `inverting-proxy-session=${value}`),
    'which a page without TLS could have set',
  );
  t.notOk(await read(sessions, `__host-inverting-proxy-session=${value}`));
  t.notOk(await read(sessions, `${cookie}; ${cookie}`));
  t.notOk(await read(sessions, `${cookie}; __Host-inverting-proxy-session=x`));
  t.ok(await read(sessions, `a=b; ${cookie}; c`));
});

test('whoever somebody is, a browser takes the cookie whole; groups that a rule names stay', async (t) => {
  const clock = { nowMs: 1e12 };
  const sessions = create(clock, { isNamed });
  const groups = Array.from({ length: 500 }, (_, index) => `00000000-0000-4000-8000-000000000${index + 100}`);
  for (const user of [
    { ...alice, groups },
    { ...alice, subject: '\u{1f600}'.repeat(127), email: `${'\u00e9'.repeat(300)}@example.com`, groups },
    { ...alice, groups: [...groups.map((group) => group.repeat(6)), 'a499'] },
  ]) {
    const long: Site = { ...site, host: `${'a'.repeat(60)}.`.repeat(4).slice(0, 253) };
    const session = sessions.begin(long, user);
    // oxlint-disable-next-line no-await-in-loop -- a table
    const cookie = await sessions.write(session, long);
    t.ok(cookie.length <= 4_096, `${cookie.length}`);
    t.ok(session.user.groups.length < 500);
    t.ok(session.user.groups.some(isNamed), 'the named one');
    t.equal(session.user.email, user.email);
    // oxlint-disable-next-line no-await-in-loop
    t.strictSame(await read(create(clock), pairOf(cookie), long), session);
  }
});

test('opened cookies are kept, so many at most', async (t) => {
  let opened = 0;
  const clock = { nowMs: 1e12 };
  const sealer = createSealer({ secrets: ['a secret of more than thirty-two bytes'], purpose: 'session' });
  const counting: SessionsOptions['sealer'] = {
    ...sealer,
    open: (text) => {
      opened += 1;
      return sealer.open(text);
    },
  };
  const sessions = create(clock, { sealer: counting });
  const write = async (): Promise<string> => pairOf(await sessions.write(sessions.begin(site, alice), site));
  const first = await write();
  for (let count = 0; count < 3; count += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await read(sessions, first);
  }
  t.equal(opened, 1);
  const { exchange } = ask({ lines: [`Cookie: ${first}`] });
  t.notOk(sessions.read(ourCookies(exchange.request.fields), site) instanceof Promise, 'and costs no wait');
  const many = await Promise.all(Array.from({ length: 1_000 }, write));
  await Promise.all(many.map((cookie) => read(sessions, cookie)));
  await read(sessions, first);
  t.equal(opened, 1_002, 'the first one was forgotten');
});

test('cookies are found among others and in more than one line', (t) => {
  const { exchange } = ask({
    lines: [
      'Cookie: a=b; inverting-proxy-x=1;c=d',
      'Cookie: __Host-inverting-proxy-session = v=w ; inverting-proxy',
    ],
  });
  const cookies = ourCookies(exchange.request.fields);
  t.strictSame(cookies, [
    { name: 'inverting-proxy-x', value: '1' },
    { name: '__Host-inverting-proxy-session', value: 'v=w' },
  ]);
  t.equal(onlyValue(cookies, sessionCookie(true)), 'v=w');
  t.end();
});
