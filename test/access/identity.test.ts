/** What a backend is told of a user: in which fields, for how long the same, and where nothing is told. */
/* oxlint-disable no-await-in-loop -- a table goes row by row */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { test } from 'tap';
import { Assertions } from '../../proxy/access/assertions.ts';
import { createIdentity, fieldText } from '../../proxy/access/identity.ts';
import { createKeySetDoor } from '../../proxy/access/key-set.ts';
import type { Visit } from '../../proxy/access/visit.ts';
import type { User } from '../../proxy/exchange.ts';
import { createKeyPair } from '../../shared/auth/signing-key.ts';
import { ask, statusOf, valuesOf } from './support/visit.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const alice: User = {
  subject: '248289761001',
  issuer: 'https://id.example.com',
  email: 'alice@example.com',
  groups: ['staff', 'night shift'],
};

function visitOf(user: User | undefined, forwardIdentity: boolean | undefined, backendId = 'shop'): Visit {
  const base = { id: backendId, hosts: [], paths: [], keepAuthorization: false, limits: {} };
  const networks = { allow: [], deny: [] };
  return {
    exchange: ask().exchange,
    backendId,
    record: forwardIdentity === undefined ? undefined : { ...base, networks, forwardIdentity },
    rule: { kind: 'public' },
    user,
    withheldCookies: [],
    withholdsAuthorization: false,
    fields: [],
    responseFields: [],
  };
}

function bench() {
  const clock = { nowMs: 1_790_000_000_000 };
  const signed: string[] = [];
  const check = createIdentity({
    sign: async (assertion) => {
      signed.push(JSON.stringify(assertion));
      return `assertion-${signed.length}`;
    },
    issuer: () => 'https://tunnel.example.com',
    now: () => clock.nowMs,
  });
  const told = async (user: User, backendId = 'shop'): Promise<Readonly<Record<string, string>>> => {
    const visit = visitOf(user, true, backendId);
    await check(visit);
    return Object.fromEntries(visit.fields);
  };
  return { clock, signed, check, told };
}

test('only of somebody, and only where the record says so', async (t) => {
  const { check, signed } = bench();
  for (const visit of [visitOf(alice, undefined), visitOf(alice, false), visitOf(undefined, true)]) {
    t.equal(await check(visit), undefined);
    t.strictSame(visit.fields, []);
  }
  t.equal(signed.length, 0);
});

test('the fields, in order', async (t) => {
  const { check } = bench();
  const visit = visitOf(alice, true);
  t.equal(await check(visit), undefined);
  t.strictSame(visit.fields, [
    ['X-Inverting-Proxy-User-ID', 'alice@example.com'],
    ['X-Forwarded-User', '248289761001'],
    ['X-Forwarded-Email', 'alice@example.com'],
    ['X-Forwarded-Groups', 'staff,night shift'],
    ['X-Inverting-Proxy-Assertion', 'assertion-1'],
  ]);
  const bare = visitOf({ ...alice, email: undefined, groups: [] }, true);
  await check(bare);
  t.strictSame(bare.fields, [
    ['X-Inverting-Proxy-User-ID', '248289761001'],
    ['X-Forwarded-User', '248289761001'],
    ['X-Inverting-Proxy-Assertion', 'assertion-2'],
  ]);
  const posing = visitOf({ ...alice, subject: 'boss@example.com', email: undefined, groups: [] }, true);
  await check(posing);
  t.strictSame(
    posing.fields.map(([name]) => name),
    ['X-Forwarded-User', 'X-Inverting-Proxy-Assertion'],
    'a subject that looks like an address is not told in the place of one',
  );
});

test('no text breaks out of its field or its list, and each can be read back', async (t) => {
  for (const [text, written] of [
    ['alice@example.com', 'alice@example.com'],
    ['CN=Alice O"Hara;OU=~', 'CN=Alice O"Hara;OU=~'],
    ['a,b', 'a%2Cb'],
    ['100%', '100%25'],
    ['a%2Cb', 'a%252Cb'],
    ['jörg', 'j%C3%B6rg'],
    ['名', '%E5%90%8D'],
    ['\u{1f600}', '%F0%9F%98%80'],
    ['x\r\nX-Forwarded-User: root', 'x%0D%0AX-Forwarded-User: root'],
    ['\0\t\x7f\x85', '%00%09%7F%C2%85'],
    [' a b ', '%20a b%20'],
    [' ', '%20'],
    ['', ''],
  ] as const) {
    t.equal(fieldText(text), written);
    t.equal(decodeURIComponent(written), text);
  }
  t.equal(fieldText('\ud800'), '%EF%BF%BD', 'half a character is none');
  const { told } = bench();
  const fields = await told({ ...alice, subject: 'a\nb', email: 'ä@x', groups: ['a,b', 'c\r\nd', 'e'] });
  t.match(fields, {
    'X-Forwarded-User': 'a%0Ab',
    'X-Forwarded-Email': '%C3%A4@x',
    'X-Forwarded-Groups': 'a%2Cb,c%0D%0Ad,e',
  });
});

test('as many groups as there is room for, in the field and in the assertion', async (t) => {
  const { told, signed } = bench();
  const groups = Array.from({ length: 200 }, (_, index) => `group-${String(index).padStart(24, '0')}`);
  const field = (await told({ ...alice, groups }))['X-Forwarded-Groups'] ?? '';
  t.ok(field.length <= 3_072 && field.length > 3_000, `${field.length} bytes`);
  const kept = field.split(',');
  t.strictSame(kept, groups.slice(0, kept.length));
  t.match(JSON.parse(signed[0] ?? ''), { groups: kept });
});

test('signed once a minute for each user and backend', async (t) => {
  const { told, signed, clock } = bench();
  const assertion = async (user: User, backendId?: string) =>
    (await told(user, backendId))['X-Inverting-Proxy-Assertion'];
  t.equal(await assertion(alice), 'assertion-1');
  clock.nowMs += 59_999;
  t.equal(await assertion({ ...alice, groups: [...alice.groups] }), 'assertion-1');
  t.equal(await assertion(alice, 'blog'), 'assertion-2', 'another backend');
  t.equal(await assertion({ ...alice, issuer: 'basic' }), 'assertion-3', 'the same name elsewhere');
  t.equal(await assertion({ ...alice, groups: ['staff'] }), 'assertion-4', 'other groups');
  t.equal(await assertion({ ...alice, email: 'a@example.com' }), 'assertion-5', 'another address');
  clock.nowMs += 1;
  t.equal(await assertion(alice), 'assertion-6', 'a minute later');
  t.strictSame(
    signed.map((text) => JSON.parse(text).audience),
    ['shop', 'blog', 'shop', 'shop', 'shop', 'shop'],
  );
});

async function fetchKeySet(assertions: Assertions): Promise<{ keys: { kty: string; kid: string }[] }> {
  const { exchange, answer } = ask({ target: '/.well-known/inverting-proxy/jwks.json' });
  await createKeySetDoor(assertions, 'p')(exchange);
  return JSON.parse(answer().split('\r\n\r\n')[1] ?? '');
}

test('the set of keys: for whoever asks, to be kept for two minutes', async (t) => {
  const door = createKeySetDoor(new Assertions({ file: undefined, log: quiet }), 'p');
  const get = ask();
  await door(get.exchange);
  t.equal(statusOf(get.answer()), 200);
  t.strictSame(valuesOf(get.answer(), 'Content-Type'), ['application/json']);
  t.strictSame(valuesOf(get.answer(), 'Cache-Control'), ['public, max-age=120']);
  const [head = '', body = ''] = get.answer().split('\r\n\r\n');
  t.equal(Number(valuesOf(get.answer(), 'Content-Length')[0]), body.length);
  const headOnly = ask({ method: 'HEAD' });
  await door(headOnly.exchange);
  t.equal(headOnly.answer(), `${head}\r\n\r\n`);
  for (const method of ['POST', 'PUT', 'OPTIONS', 'get']) {
    const other = ask({ method });
    await door(other.exchange);
    t.equal(statusOf(other.answer()), 405, method);
    t.strictSame(valuesOf(other.answer(), 'Allow'), ['GET, HEAD']);
  }
});

test('a backend can verify, also what was signed with a key that the file no longer holds', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'identity-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'keys.pem');
  const [first, second] = await Promise.all([createKeyPair('ES256', 'pem'), createKeyPair('ES256', 'pem')]);
  writeFileSync(file, first.privateText);
  const clock = { nowMs: 0 };
  const assertions = new Assertions({ file, log: quiet, now: () => clock.nowMs });
  const sign = createIdentity({
    sign: async (what) => assertions.sign(what),
    issuer: () => 'https://tunnel.example.com',
  });
  const visit = visitOf(alice, true);
  await sign(visit);
  const token = Object.fromEntries(visit.fields)['X-Inverting-Proxy-Assertion'] ?? '';
  const verify = async () =>
    jwtVerify(token, createLocalJWKSet(await fetchKeySet(assertions)), {
      audience: 'shop',
      issuer: 'https://tunnel.example.com',
    });
  t.match((await verify()).payload, { sub: alice.subject, email: alice.email, groups: alice.groups });

  writeFileSync(file, second.privateText.replace(/\n$/, '\n\n'));
  clock.nowMs = 1_000;
  const kids = async () => (await fetchKeySet(assertions)).keys.map(({ kid }) => kid);
  t.strictSame(await kids(), [second.kid, first.kid]);
  t.match((await verify()).payload, { sub: alice.subject });
  clock.nowMs = 1_000 + 239_999;
  t.strictSame(await kids(), [second.kid, first.kid]);
  clock.nowMs = 1_000 + 240_000;
  t.strictSame(await kids(), [second.kid], 'when nothing that it signed is good any more');
  t.equal(decodeJwt(token).exp! - decodeJwt(token).iat!, 120);
});
