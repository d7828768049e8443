/** Why a dial has not ended in a WebSocket, and what the other end has said about it. It knows no socket. */
import { TunnelError } from '../../errors/tunnel-error.ts';

export type DialErrorCode = 'dial_refused' | 'dial_failed' | 'dial_timeout';

/** `answer` is what the proxy said, where it said something. */
export class DialError extends TunnelError<DialErrorCode, DialRefusal | undefined> {}

export interface DialRefusal {
  readonly status: number;
  /** The `reason` of the JSON body, or the status text where there is none. Bounded, printable. */
  readonly reason: string;
  /** As the proxy said it, whatever that is: whoever waits for so long bounds it. */
  readonly retryAfterMs: number | undefined;
}

const local = { scope: 'link', initiator: 'local', answer: undefined } as const;

export function refusedError(refusal: DialRefusal): DialError {
  const message = `the proxy answered ${String(refusal.status)}: ${refusal.reason}`;
  return new DialError(message, {
    scope: 'link',
    initiator: 'remote',
    code: 'dial_refused',
    answer: refusal,
  });
}

export function failedError(message: string, cause?: unknown): DialError {
  return new DialError(message, { ...local, code: 'dial_failed', cause });
}

/** An `AbortSignal.timeout` among the signal's sources reads as `dial_timeout`. */
export function abortedError(signal: AbortSignal): DialError {
  const { reason }: { reason: unknown } = signal;
  const isTimeout = reason instanceof DOMException && reason.name === 'TimeoutError';
  return isTimeout
    ? new DialError('no answer in time', { ...local, code: 'dial_timeout' })
    : failedError('the dial was given up');
}

/** A connect to several addresses fails with an AggregateError whose own message is empty. */
export function describe(cause: Error): string {
  if (cause instanceof AggregateError) {
    return cause.errors.map((error: unknown) => (error instanceof Error ? error.message : '')).join('; ');
  }
  // What OpenSSL says of a certificate means little without the code that people search for.
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  return code === undefined || cause.message.includes(code) ? cause.message : `${cause.message} (${code})`;
}

/** What a refusal says, for a log line: only its printable part is kept. */
export function readRefusal(
  status: number,
  statusText: string,
  retryAfter: string | undefined,
  body: string,
): DialRefusal {
  const reason = printable(reasonOf(body) ?? statusText);
  return { status, reason, retryAfterMs: readRetryAfter(retryAfter ?? '') };
}

function reasonOf(body: string): string | undefined {
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json !== 'object' || json === null || !('reason' in json)) return undefined;
    return typeof json.reason === 'string' ? json.reason : undefined;
  } catch {
    return undefined;
  }
}

/** Seconds or a date (RFC 9110 §10.2.3), as the time from now; what is neither says nothing. */
function readRetryAfter(value: string): number | undefined {
  if (/^[0-9]+$/.test(value)) return Number(value) * 1_000;
  const dateMs = /^[A-Z][a-z]{2}, /.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - Date.now());
}

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/gu, ' ').slice(0, 500);
}
