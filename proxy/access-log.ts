/** One line an exchange: the only place that turns a record into a log line. Query strings are left out: they hold secrets. */
import type { Log } from '../shared/log/log.ts';
import type { ExchangeRecord } from './exchange.ts';

export function logExchange(log: Log, record: ExchangeRecord): void {
  const { startedAtMs, headAtMs, target } = record;
  const queryAt = target.indexOf('?');
  log.info(
    {
      request: record.id,
      client: record.clientAddress,
      method: record.method,
      host: record.host,
      path: queryAt === -1 ? target : target.slice(0, queryAt),
      status: record.status,
      code: record.code,
      backend: record.backendId,
      tunnel: record.tunnelId,
      requestBytes: record.requestBytes,
      responseBytes: record.responseBytes,
      headMs: headAtMs === undefined ? undefined : rounded(headAtMs - startedAtMs),
      totalMs: rounded(performance.now() - startedAtMs),
      retries: record.retries === 0 ? undefined : record.retries,
      abortedBy: record.abortedBy,
    },
    'exchange',
  );
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
