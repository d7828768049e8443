/** However many backends, hosts and codes there are, the series are so many and no more; and nothing is lost in their sums. */
import { test } from 'tap';
import { AgentWatch } from '../../agent/admin/watch.ts';
import { ProxyWatch } from '../../proxy/admin/watch.ts';
import type { ExchangeRecord } from '../../proxy/exchange.ts';
import type { TunnelReport } from '../../proxy/routing/tunnel.ts';
import { Exposition } from '../../shared/metrics/exposition.ts';
import { readExposition, valueOf } from '../admin/support/exposition.ts';
import type { Family } from '../admin/support/exposition.ts';

function record(known: Partial<ExchangeRecord>): ExchangeRecord {
  return {
    id: 'a-1',
    method: 'GET',
    host: 'shop.test',
    target: '/',
    clientAddress: '192.0.2.1',
    startedAtMs: 0,
    headAtMs: undefined,
    status: 200,
    code: undefined,
    backendId: undefined,
    tunnelId: undefined,
    agentInstance: undefined,
    requestBytes: 1,
    responseBytes: 2,
    raw: undefined,
    retries: 0,
    abortedBy: undefined,
    place: -1,
    ...known,
  };
}

function report(backendId: string): TunnelReport {
  return {
    id: `${backendId}#1`,
    backendId,
    instance: 'one',
    version: '1.0.0',
    sinceMs: 0,
    address: '192.0.2.1',
    routes: [],
    load: 1,
    isAccepting: true,
    isGoingAway: false,
    isHealthy: true,
    roundTripMs: 5,
    heldBytes: 10,
    stalledWindows: { toBackend: 1, toClient: 2 },
  };
}

function sumOf(families: ReadonlyMap<string, Family>, name: string): number {
  return (families.get(name)?.series ?? []).reduce((sum, { value }) => sum + value, 0);
}

/** Series of the product, those of any process left out. */
function countOwn(families: ReadonlyMap<string, Family>): number {
  return [...families.values()]
    .filter(({ name }) => name.startsWith('inverting_'))
    .reduce((sum, { series }) => sum + series.length, 0);
}

const ids = Array.from({ length: 1_000 }, (_, n) => `backend-${n}`);

test('a thousand backends: two hundred have series of their own, the rest one together', async (t) => {
  const watch = new ProxyWatch('1.0.0');
  const exposition = new Exposition(watch.metrics());
  for (const backendId of ids) {
    watch.linkOpened(backendId);
    const ended = record({ backendId, headAtMs: 2, abortedBy: 'client' });
    watch.exchanges.begin(ended);
    watch.exchanges.end(ended, 4);
    watch.exchanges.begin(record({ backendId, requestBytes: 100, responseBytes: 1_000 }));
  }
  watch.views = { ...watch.views, tunnels: () => ids.map(report) };
  const text = await exposition.text();
  const families = readExposition(text);
  const labels = new Set(
    [...families.values()].flatMap(({ series }) => series.map(({ labels: { backend } }) => backend)),
  );
  labels.delete(undefined);
  t.equal(labels.size, 201);
  t.ok(labels.has('backend-199') && labels.has('(other)') && !labels.has('backend-200'));
  t.equal(sumOf(families, 'inverting_proxy_exchanges_total'), 1_000);
  t.equal(sumOf(families, 'inverting_proxy_exchanges_in_flight'), 1_000);
  t.equal(sumOf(families, 'inverting_proxy_request_bytes_total'), 101_000);
  t.equal(sumOf(families, 'inverting_proxy_response_bytes_total'), 1_002_000);
  t.equal(sumOf(families, 'inverting_proxy_links'), 1_000);
  t.equal(sumOf(families, 'inverting_proxy_links_opened_total'), 1_000);
  t.equal(sumOf(families, 'inverting_proxy_held_bytes'), 10_000);
  t.equal(valueOf(families, 'inverting_proxy_links', { backend: '(other)', state: 'serving' }), 800);
  t.equal(
    valueOf(families, 'inverting_proxy_round_trip_seconds', { backend: '(other)' }),
    0.005,
    'no sum of times',
  );
  t.equal(
    valueOf(families, 'inverting_proxy_stalled_windows', { backend: '(other)', direction: 'to_client' }),
    1_600,
  );
  const series = [...families.values()].reduce((sum, family) => sum + family.series.length, 0);
  t.ok(series < 12_000, `${series} series, ${Math.round(text.length / 1_024)} KiB`);
});

test('hosts, paths, methods and addresses are no labels, whatever clients send', async (t) => {
  const watch = new ProxyWatch('1.0.0');
  const exposition = new Exposition(watch.metrics());
  const serve = (known: Partial<ExchangeRecord>): void => {
    const exchange = record(known);
    watch.exchanges.begin(exchange);
    watch.exchanges.end(exchange, 1);
  };
  serve({ status: 404, code: 'no_route' });
  const before = readExposition(await exposition.text());
  for (let n = 0; n < 1_000; n += 1) {
    const client = {
      host: `host-${n}.test`,
      target: `/${n}`,
      method: `M${n}`,
      clientAddress: `192.0.2.${n}`,
    };
    serve({ ...client, status: 404, code: 'no_route' });
  }
  const after = readExposition(await exposition.text());
  t.equal(countOwn(after), countOwn(before));
  t.equal(valueOf(after, 'inverting_proxy_failures_total', { code: 'no_route' }), 1_001);
});

test('codes are bounded too, at every door', async (t) => {
  const watch = new ProxyWatch('1.0.0');
  const agent = new AgentWatch('1.0.0');
  for (let n = 0; n < 1_000; n += 1) {
    const code = `code-${n}`;
    watch.exchanges.end(record({ code }), 1);
    watch.agentAnswered(record({ code }));
    watch.connectionRefused(code);
    agent.backendFailures.of(code).count += 1;
  }
  const proxied = readExposition(await new Exposition(watch.metrics()).text());
  for (const name of ['failures', 'agents_refused', 'connections_refused']) {
    const family = `inverting_proxy_${name}_total`;
    t.equal(proxied.get(family)?.series.length, 201, name);
    t.equal(sumOf(proxied, family), 1_000, name);
  }
  const served = readExposition(await new Exposition(agent.metrics()).text());
  t.equal(served.get('inverting_agent_backend_failures_total')?.series.length, 101);
  t.equal(sumOf(served, 'inverting_agent_backend_failures_total'), 1_000);
});

test('every status has a class, and what never had one too', async (t) => {
  const watch = new ProxyWatch('1.0.0');
  const statuses = [undefined, 101, 200, 299, 304, 404, 599];
  for (const status of statuses) watch.exchanges.end(record({ status, backendId: 'shop' }), 1);
  const families = readExposition(await new Exposition(watch.metrics()).text());
  const classes = families.get('inverting_proxy_exchanges_total')?.series ?? [];
  t.strictSame(
    classes.map(({ labels, value }) => [labels['class'], value]),
    [
      ['none', 1],
      ['1xx', 1],
      ['2xx', 2],
      ['3xx', 1],
      ['4xx', 1],
      ['5xx', 1],
    ],
  );
  t.equal(
    valueOf(families, 'inverting_proxy_exchange_seconds_count', { backend: 'shop' }),
    6,
    'all but the upgrade',
  );
});
