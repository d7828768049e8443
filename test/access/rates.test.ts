/** Whose requests are limited by what, when the next one may come, and that what runs is counted down however it ends. */
import { test } from 'tap';
import { Rates } from '../../proxy/access/rates.ts';
import type { RateLimit, RateLimits } from '../../proxy/access/rates.ts';
import type { Verdict, Visit } from '../../proxy/access/visit.ts';
import type { User } from '../../proxy/exchange.ts';
import { readRecord } from '../../proxy/records/record-reader.ts';
import { ask } from './support/visit.ts';
import type { Asking } from './support/visit.ts';

const none: RateLimit = {};

function ratesOf(limits: Partial<RateLimits>, clock = { nowMs: 0 }): Rates {
  return new Rates({ address: none, backend: none, user: none, ...limits }, () => clock.nowMs);
}

interface Wish extends Asking {
  readonly limits?: object;
  readonly backendId?: string;
  readonly user?: string;
}

function visitOf({ limits, backendId = 'shop', user, ...asking }: Wish): Visit {
  const record = limits === undefined ? undefined : readRecord({ id: backendId, limits });
  const known: User | undefined =
    user === undefined ? undefined : { subject: user, issuer: 'basic', email: undefined, groups: [] };
  return {
    exchange: ask(asking).exchange,
    backendId,
    record,
    rule: { kind: 'public' },
    user: known,
    withheldCookies: [],
    withholdsAuthorization: false,
    fields: [],
    responseFields: [],
  };
}

/** All that is asked of one request, in the order of the gate. */
function pass(rates: Rates, visit: Visit): Verdict {
  const verdict =
    rates.enter(visit.exchange) ?? rates.atBackend(visit) ?? rates.ofUser(visit) ?? rates.ofBackend(visit);
  if (verdict instanceof Promise) throw new Error('rates wait for nothing');
  return verdict;
}

/** `ok`, or the status and when to come again. */
function said(verdict: Verdict): string {
  if (verdict === undefined) return 'ok';
  return `${verdict.status} ${verdict.code} ${verdict.retryAfterSeconds ?? '-'}`;
}

const over = (seconds: number): string => `429 too_many_requests ${seconds}`;

test('in a second: by address, backend and user, from the settings and from the record', (t) => {
  const two = { perSecond: 2 };
  const rows: readonly (readonly [what: string, limits: Partial<RateLimits>, same: Wish, other: Wish])[] = [
    ['an address', { address: two }, { address: '192.0.2.1' }, { address: '192.0.2.2' }],
    ['a /64', { address: two }, { address: '2001:db8::1' }, { address: '2001:db8:0:1::1' }],
    ['a backend', { backend: two }, {}, { backendId: 'other' }],
    ['a user', { user: two }, { user: 'ada' }, { user: 'bob' }],
    [
      'a backend of a record',
      {},
      { limits: { requestsPerSecond: 2 } },
      { backendId: 'b', limits: { requestsPerSecond: 2 } },
    ],
    [
      'an address at a backend',
      {},
      { limits: { requestsPerSecondPerAddress: 2 } },
      { address: '192.0.2.9', limits: { requestsPerSecondPerAddress: 2 } },
    ],
    [
      'an address at a backend, not at another',
      {},
      { limits: { requestsPerSecondPerAddress: 2 } },
      { backendId: 'b', limits: { requestsPerSecondPerAddress: 2 } },
    ],
    [
      'a user at a backend',
      {},
      { user: 'ada', limits: { requestsPerSecondPerUser: 2 } },
      { user: 'ada', backendId: 'b', limits: { requestsPerSecondPerUser: 2 } },
    ],
  ];
  for (const [what, limits, same, other] of rows) {
    const clock = { nowMs: 5_000 };
    const rates = ratesOf(limits, clock);
    t.equal(said(pass(rates, visitOf(same))), 'ok', what);
    const sibling = same.address === '2001:db8::1' ? { ...same, address: '2001:db8::ffff:1' } : same;
    t.equal(said(pass(rates, visitOf(sibling))), 'ok', what);
    t.equal(said(pass(rates, visitOf(same))), over(1), `${what}: the third`);
    t.equal(said(pass(rates, visitOf(other))), 'ok', `${what}: another one`);
    clock.nowMs += 500;
    t.equal(said(pass(rates, visitOf(same))), 'ok', `${what}: in its time`);
    t.strictSame(rates.held, { exchanges: 0, keys: 0 }, `${what}: nothing to count down`);
  }
  t.end();
});

test("the record's limit of a backend stands in place of the proxy's, those of addresses and users beside it", (t) => {
  const rates = ratesOf({ backend: { perSecond: 1 }, address: { perSecond: 3 } });
  const wish = { limits: { requestsPerSecond: 100 } };
  for (let count = 0; count < 3; count += 1) t.equal(said(pass(rates, visitOf(wish))), 'ok');
  t.equal(said(pass(rates, visitOf(wish))), over(1), 'the address');
  t.equal(said(pass(ratesOf({}), visitOf(wish))), 'ok');
  t.end();
});

test('Retry-After is when one more may come', (t) => {
  const clock = { nowMs: 0 };
  const rates = ratesOf({ user: { perSecond: 1 } }, clock);
  const wish = { user: 'ada' };
  pass(rates, visitOf(wish));
  clock.nowMs = 1;
  const first = pass(rates, visitOf(wish));
  t.equal(first?.retryAfterSeconds, 1);
  clock.nowMs = 1 + (first?.retryAfterSeconds ?? 0) * 1_000;
  t.equal(said(pass(rates, visitOf(wish))), 'ok');
  t.end();
});

test('at the same time: so many run, and each that ends makes room for one', (t) => {
  const two = { concurrent: 2 };
  const ofRecord = { concurrentRequests: 2, concurrentRequestsPerAddress: 2, concurrentRequestsPerUser: 2 };
  for (const [limits, wish] of [
    [{ address: two }, {}],
    [{ backend: two }, {}],
    [{ user: two }, { user: 'ada' }],
    [{}, { user: 'ada', limits: { concurrentRequests: 2 } }],
    [{}, { user: 'ada', limits: { concurrentRequestsPerAddress: 2 } }],
    [{}, { user: 'ada', limits: { concurrentRequestsPerUser: 2 } }],
    [
      { address: two, backend: two, user: two },
      { user: 'ada', limits: ofRecord },
    ],
  ] as const) {
    const what = JSON.stringify([limits, wish]);
    const rates = ratesOf(limits);
    const [first, second, third, fourth] = [visitOf(wish), visitOf(wish), visitOf(wish), visitOf(wish)];
    t.equal(said(pass(rates, first)), 'ok', what);
    t.equal(said(pass(rates, second)), 'ok', what);
    t.equal(said(pass(rates, third)), over(1), what);
    rates.release(third.exchange.record);
    t.equal(said(pass(rates, fourth)), over(1), `${what}: who was refused held nothing`);
    rates.release(fourth.exchange.record);
    rates.release(first.exchange.record);
    rates.release(first.exchange.record);
    const next = visitOf(wish);
    t.equal(said(pass(rates, next)), 'ok', `${what}: one has ended, said twice or not`);
    for (const { exchange } of [second, next]) rates.release(exchange.record);
    t.strictSame(rates.held, { exchanges: 0, keys: 0 }, `${what}: nothing is left`);
  }
  t.end();
});

test('a request that is refused by a later limit, or goes on to another backend, gives all back', (t) => {
  const rates = ratesOf({ address: { concurrent: 5 }, backend: { concurrent: 1 } });
  const running = visitOf({});
  t.equal(said(pass(rates, running)), 'ok');
  const refused = visitOf({ address: '192.0.2.7' });
  t.equal(said(pass(rates, refused)), over(1));
  t.strictSame(rates.held, { exchanges: 2, keys: 3 });
  rates.release(refused.exchange.record);
  t.strictSame(rates.held, { exchanges: 1, keys: 2 });
  // The route has become another backend's while it waited: the gate is asked again.
  t.equal(rates.ofBackend({ ...running, backendId: 'other' }), undefined);
  t.strictSame(rates.held, { exchanges: 1, keys: 3 });
  rates.release(running.exchange.record);
  t.strictSame(rates.held, { exchanges: 0, keys: 0 });
  t.end();
});

test('a body that is too large for the backend: at once where its length is known', (t) => {
  const rates = ratesOf({});
  const limits = { maxBodyBytes: 10 };
  const post = (line: string): string =>
    said(pass(rates, visitOf({ method: 'POST', lines: [line], limits })));
  t.equal(post('Content-Length: 10'), 'ok');
  t.equal(post('Content-Length: 11'), '413 body_too_large -');
  t.equal(post('Transfer-Encoding: chunked'), 'ok', 'it is looked at as it comes');
  t.end();
});

test('with no limit nothing is kept of anybody', (t) => {
  const rates = ratesOf({});
  for (const wish of [{}, { limits: {} }, { user: 'ada', limits: {} }]) {
    t.equal(said(pass(rates, visitOf(wish))), 'ok');
  }
  t.strictSame(rates.held, { exchanges: 0, keys: 0 });
  t.end();
});
