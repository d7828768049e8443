/** The line of an exchange: its fields, what it leaves out, and that it is the same line as any other of the log. */
import { test } from 'tap';
import { createAccessLog } from '../../proxy/access-log.ts';
import type { ExchangeRecord } from '../../proxy/exchange.ts';
import { createLog } from '../../shared/log/log.ts';
import type { LogFormat, LogLevel } from '../../shared/log/log.ts';

const plain: ExchangeRecord = {
  id: 'abc-1',
  method: 'GET',
  host: 'shop.example.com',
  target: '/a/b',
  clientAddress: '203.0.113.7',
  startedAtMs: 1_000,
  headAtMs: 1_003.456,
  status: 200,
  code: undefined,
  backendId: 'shop',
  tunnelId: 'shop#1',
  agentInstance: '0f3a',
  requestBytes: 0,
  responseBytes: 1_234,
  raw: undefined,
  retries: 0,
  abortedBy: undefined,
  place: -1,
};

function written(
  record: Partial<ExchangeRecord>,
  { format = 'json', level = 'info' }: { format?: LogFormat; level?: LogLevel } = {},
): string[] {
  const lines: string[] = [];
  const log = createLog({
    name: 'inverting-proxy',
    level,
    format,
    destination: { write: (line) => void lines.push(line) },
  });
  createAccessLog(log)?.({ ...plain, ...record }, 1_012.3);
  return lines;
}

function fieldsOf(record: Partial<ExchangeRecord>): Record<string, unknown> {
  const [line = '', ...more] = written(record);
  if (more.length > 0 || !line.endsWith('}\n')) throw new Error('not one line');
  const fields: unknown = JSON.parse(line);
  if (typeof fields !== 'object' || fields === null) throw new Error('no object');
  return { ...fields };
}

test('an ordinary exchange: every field that has something to say, in a fixed order', (t) => {
  const { time, ...fields } = fieldsOf({});
  t.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  t.strictSame(fields, {
    level: 'info',
    name: 'inverting-proxy',
    request: 'abc-1',
    client: '203.0.113.7',
    method: 'GET',
    host: 'shop.example.com',
    path: '/a/b',
    status: 200,
    backend: 'shop',
    tunnel: 'shop#1',
    agent: '0f3a',
    requestBytes: 0,
    responseBytes: 1_234,
    headMs: 3.46,
    totalMs: 12.3,
    msg: 'exchange',
  });
  t.end();
});

test('times are numbers of two decimals at most', (t) => {
  const rows: readonly [headAtMs: number, shown: number][] = [
    [1_000, 0],
    [1_000.004, 0],
    [1_000.05, 0.05],
    [1_003.5, 3.5],
    [1_007.999, 8],
    [61_000.09, 60_000.09],
  ];
  for (const [headAtMs, shown] of rows) t.equal(fieldsOf({ headAtMs })['headMs'], shown, String(headAtMs));
  t.end();
});

test('what went wrong is said, and what never came is not there', (t) => {
  const failed = fieldsOf({ code: 'agent_lost', retries: 1, abortedBy: 'backend', headAtMs: undefined });
  t.match(failed, { code: 'agent_lost', retries: 1, abortedBy: 'backend' });
  t.notOk('headMs' in failed);
  const refused = fieldsOf({ status: undefined, backendId: undefined, tunnelId: undefined });
  t.notOk(['status', 'backend', 'tunnel'].some((name) => name in refused));
  t.end();
});

test('nothing of a client can break the line or show a secret', (t) => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl';
  const rows: readonly [what: string, record: Partial<ExchangeRecord>, field: string, shown: string][] = [
    ['a query', { target: '/a?password=x&y="' }, 'path', '/a'],
    ['quotes and backslashes', { target: '/"\\,"status":500' }, 'path', '/"\\,"status":500'],
    ['bytes over 0x7f', { method: 'GE\u00e4T', target: '/\u00ff' }, 'path', '/\u00ff'],
    ['a token in the path', { target: `/login/${jwt}/x` }, 'path', '/login/(masked)/x'],
    [
      'a URL with its user',
      { target: '/go/http://me:pw@example.com/' },
      'path',
      '/go/http://(masked)@example.com/',
    ],
    ['a request id of others', { id: jwt }, 'request', '(masked)'],
  ];
  for (const [what, record, field, shown] of rows) t.equal(fieldsOf(record)[field], shown, what);
  t.end();
});

test('the level and the format of the log hold for it too', (t) => {
  t.strictSame(written({}, { level: 'warn' }), []);
  t.match(written({}, { format: 'pretty' }), [/INFO.*exchange.*"request":"abc-1"/]);
  t.end();
});

test('the time is that of the line', async (t) => {
  const first = Date.parse(String(fieldsOf({})['time']));
  t.ok(Math.abs(Date.now() - first) < 5_000);
});
