/** Runs rows of messages and verdicts: each whole, byte by byte, cut at every offset, and with another message behind it. */
import type { Test } from 'tap';
import { byteByByte, cutAt, latin1 } from './pieces.ts';
import { verdictOf } from './verdict.ts';
import type { VerdictOptions } from './verdict.ts';

/**
 * What the row shows, the message in latin1, its verdict; and the verdict with NEXT_REQUEST behind it, where the bytes behind do not
 * simply begin the next message.
 */
export type Row = readonly [name: string, message: string, verdict: string, withNext?: string];

export const NEXT_REQUEST = 'GET /next HTTP/1.1\r\nHost: h\r\n\r\n';
/** Beyond this a row is not cut at every offset, only at a few. */
const CUT_EVERYWHERE_BYTES = 400;

export function runRow(t: Test, [name, message, verdict, withNext]: Row, options: VerdictOptions): void {
  const bytes = latin1(message);
  t.equal(verdictOf([bytes], options), verdict, `${name}: whole`);
  t.equal(verdictOf(byteByByte(bytes), options), verdict, `${name}: byte by byte`);
  const step = Math.ceil(bytes.length / CUT_EVERYWHERE_BYTES);
  const differing = [];
  for (let offset = 1; offset < bytes.length; offset += step) {
    if (verdictOf(cutAt(bytes, offset), options) !== verdict) differing.push(offset);
  }
  t.strictSame(differing, [], `${name}: cut anywhere`);
  const behind = withNext ?? verdictWithNext(verdict, options);
  if (behind === undefined) return;
  const both = latin1(message + NEXT_REQUEST);
  t.equal(verdictOf([both], options), behind, `${name}: with a request behind it`);
  t.equal(verdictOf(byteByByte(both), options), behind, `${name}: byte by byte with a request behind it`);
}

/** What NEXT_REQUEST behind a message adds to its verdict; undefined where it would be part of the message, which is not complete. */
function verdictWithNext(verdict: string, { kind }: VerdictOptions): string | undefined {
  const steps = verdict.split(' → ');
  const last = steps.pop() ?? '';
  if (/^\d{3} \(EOF in head\)$|^\[wait body\]$|^ABORT/.test(last)) return undefined;
  if (/^\d{3} \(/.test(last)) return verdict;
  if (last === '[close]') return [...steps, `[close; ${NEXT_REQUEST.length} B ignored]`].join(' → ');
  if (last.startsWith('[')) return [...steps, last.replace(/\d+(?= (?:extra )?B)/, addNext)].join(' → ');
  return kind === 'request'
    ? `${verdict} → GET /next none`
    : `${verdict} → [${NEXT_REQUEST.length} extra B: discard, close backend connection]`;
}

function addNext(count: string): string {
  return `${Number(count) + NEXT_REQUEST.length}`;
}
