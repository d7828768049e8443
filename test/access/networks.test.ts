/** From where a backend may be used: each record's networks against addresses as they come. */
import { test } from 'tap';
import { createNetworksCheck } from '../../proxy/access/networks.ts';
import type { Visit } from '../../proxy/access/visit.ts';
import type { BackendRecord } from '../../proxy/records/record.ts';
import { ask } from './support/visit.ts';

function recordOf(allow: readonly string[], deny: readonly string[]): BackendRecord {
  const base = { id: 'shop', hosts: [], paths: [], forwardIdentity: false, keepAuthorization: false };
  return { ...base, networks: { allow, deny }, limits: {} };
}

function visitOf(record: BackendRecord | undefined, address: string): Visit {
  return {
    exchange: ask({ address }).exchange,
    backendId: 'shop',
    record,
    rule: { kind: 'public' },
    user: undefined,
    withheldCookies: [],
    withholdsAuthorization: false,
    fields: [],
    responseFields: [],
  };
}

type Row = readonly [allow: readonly string[], deny: readonly string[], address: string, passes: boolean];

const rows: readonly Row[] = [
  [[], [], '192.0.2.1', true],
  [['192.0.2.0/24'], [], '192.0.2.255', true],
  [['192.0.2.0/24'], [], '192.0.3.0', false],
  [['192.0.2.1'], [], '192.0.2.1', true],
  [['192.0.2.1'], [], '192.0.2.2', false],
  [['10.0.0.0/8', '2001:db8::/32'], [], '2001:db8:1::1', true],
  [['10.0.0.0/8', '2001:db8::/32'], [], '2001:db9::1', false],
  [['10.0.0.0/8'], [], '::ffff:10.1.2.3', true],
  [['::ffff:10.0.0.0/104'], [], '10.1.2.3', true],
  [['::/0'], [], '10.1.2.3', false],
  [['0.0.0.0/0'], [], '::1', false],
  [[], ['192.0.2.0/24'], '192.0.2.7', false],
  [[], ['192.0.2.0/24'], '::ffff:192.0.2.7', false],
  [[], ['192.0.2.0/24'], '198.51.100.1', true],
  [['192.0.2.0/24'], ['192.0.2.128/25'], '192.0.2.1', true],
  [['192.0.2.0/24'], ['192.0.2.128/25'], '192.0.2.129', false],
  [['192.0.2.129'], ['192.0.2.0/24'], '192.0.2.129', false],
  [['10.0.0.0/8'], [], 'unix', false],
  [[], ['10.0.0.0/8'], 'unix', false],
  [[], [], 'unix', true],
];

test('allowed and denied, of both kinds of address; what is no address passes no border', (t) => {
  const check = createNetworksCheck();
  for (const [allow, deny, address, passes] of rows) {
    const record = recordOf(allow, deny);
    const what = `${address} with +[${allow.join(' ')}] -[${deny.join(' ')}]`;
    for (const time of ['first', 'second']) {
      const verdict = check(visitOf(record, address));
      if (passes) t.equal(verdict, undefined, `${what}, the ${time} time`);
      else t.match(verdict, { status: 403, code: 'network_denied' }, `${what}, the ${time} time`);
    }
  }
  t.equal(check(visitOf(undefined, '192.0.2.1')), undefined, 'nothing on record');
  t.end();
});

test("it is the client's own address that counts, not that of the proxy it came by", (t) => {
  const check = createNetworksCheck();
  const visit = visitOf(recordOf([], ['203.0.113.0/24']), '10.0.0.1');
  const record = { ...visit.exchange.record, clientAddress: '203.0.113.9' };
  t.match(check({ ...visit, exchange: { ...visit.exchange, record } }), { code: 'network_denied' });
  t.end();
});

test('a record with a network that is none opens nothing', (t) => {
  t.throws(() => createNetworksCheck()(visitOf(recordOf([], ['10.0.0.0/33']), '10.0.0.1')));
  t.end();
});
