/**
 * One line an exchange: the only place that turns a record into a log line. Query strings are left out: they hold
 * secrets. What an exchange has nothing to say about is not there. Put together by hand, because it is written for
 * every request there is: docs/operations.md names the fields.
 */
import type { RecordLog } from '../shared/log/log.ts';
import type { ExchangeRecord } from './exchange.ts';

/** @param nowMs performance.now(), at the end of the exchange */
export type AccessLog = (record: ExchangeRecord, nowMs: number) => void;

/** Undefined where the log takes no such lines. */
export function createAccessLog(log: RecordLog): AccessLog | undefined {
  const write = log.recordLine('exchange');
  if (write === undefined) return undefined;
  return (record, nowMs) => {
    const { startedAtMs, headAtMs, target, retries } = record;
    const queryAt = target.indexOf('?');
    write(
      text('request', record.id) +
        text('client', record.clientAddress) +
        text('method', record.method) +
        text('host', record.host) +
        text('path', queryAt === -1 ? target : target.slice(0, queryAt)) +
        number('status', record.status) +
        text('code', record.code) +
        text('backend', record.backendId) +
        text('tunnel', record.tunnelId) +
        text('agent', record.agentInstance) +
        number('requestBytes', record.requestBytes) +
        number('responseBytes', record.responseBytes) +
        number('headMs', headAtMs === undefined ? undefined : hundredths(headAtMs - startedAtMs)) +
        number('totalMs', hundredths(nowMs - startedAtMs)) +
        number('retries', retries === 0 ? undefined : retries) +
        text('abortedBy', record.abortedBy),
    );
  };
}

function text(name: string, value: string | undefined): string {
  return value === undefined ? '' : `"${name}":${JSON.stringify(value)},`;
}

function number(name: string, value: number | undefined): string {
  return value === undefined ? '' : `"${name}":${value},`;
}

function hundredths(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
