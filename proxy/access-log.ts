/**
 * One line an exchange: the only place that turns a record into a log line. Query strings are left out: they hold
 * secrets. What an exchange has nothing to say about is not there. Put together by hand, because it is written for
 * every request there is: docs/operations.md names the fields.
 */
import type { RecordLog } from '../shared/log/log.ts';
import { jsonText } from '../shared/log/record-line.ts';
import type { ExchangeRecord } from './exchange.ts';

/** @param nowMs performance.now(), at the end of the exchange */
export type AccessLog = (record: ExchangeRecord, nowMs: number) => void;

/** Undefined where the log takes no such lines. */
export function createAccessLog(log: RecordLog): AccessLog | undefined {
  const write = log.recordLine('exchange');
  if (write === undefined) return undefined;
  const places = new Places();
  return (record, nowMs) => {
    const { startedAtMs, headAtMs, target, retries } = record;
    const queryAt = target.indexOf('?');
    const path = queryAt === -1 ? target : target.slice(0, queryAt);
    write(
      `"request":"${jsonText(record.id)}","client":"${jsonText(record.clientAddress)}",` +
        `"method":"${jsonText(record.method)}","host":"${jsonText(record.host)}","path":"${jsonText(path)}",` +
        (record.status === undefined ? '' : `"status":${record.status},`) +
        text('code', record.code) +
        places.of(record) +
        `"requestBytes":${record.requestBytes},"responseBytes":${record.responseBytes},` +
        (headAtMs === undefined ? '' : `"headMs":${hundredths(headAtMs - startedAtMs)},`) +
        `"totalMs":${hundredths(nowMs - startedAtMs)},` +
        (retries === 0 ? '' : `"retries":${retries},`) +
        text('abortedBy', record.abortedBy),
    );
  };
}

/** Links that live are some hundreds at most; those that were are forgotten with them. */
const maxPlaces = 1_000;

interface PlaceText {
  readonly backendId: string | undefined;
  readonly agentInstance: string | undefined;
  readonly text: string;
}

/** Where an exchange went: the same few texts for all of them, each made once. */
class Places {
  readonly #made = new Map<string, PlaceText>();

  of({ backendId, tunnelId, agentInstance }: ExchangeRecord): string {
    if (tunnelId === undefined) return placeText(backendId, tunnelId, agentInstance);
    const known = this.#made.get(tunnelId);
    if (known !== undefined && known.backendId === backendId && known.agentInstance === agentInstance)
      return known.text;
    const made = { backendId, agentInstance, text: placeText(backendId, tunnelId, agentInstance) };
    if (this.#made.size >= maxPlaces) this.#made.clear();
    this.#made.set(tunnelId, made);
    return made.text;
  }
}

function placeText(
  backendId: string | undefined,
  tunnelId: string | undefined,
  agentInstance: string | undefined,
): string {
  return text('backend', backendId) + text('tunnel', tunnelId) + text('agent', agentInstance);
}

function text(name: string, value: string | undefined): string {
  return value === undefined ? '' : `"${name}":"${jsonText(value)}",`;
}

/** Of a whole number of hundredths, which is cheaper to write than a fraction. */
function hundredths(milliseconds: number): string {
  const all = Math.round(milliseconds * 100);
  const rest = all % 100;
  return rest === 0 ? `${all / 100}` : `${(all - rest) / 100}.${rest < 10 ? '0' : ''}${rest}`;
}
