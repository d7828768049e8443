/**
 * One look at the backend: a GET of its health path that is answered with 2xx or 3xx, or, without a path, a connection
 * that is accepted. It keeps nothing and judges nothing beyond the one answer.
 */
import type { BackendDialer } from '../backend/connect.ts';

export interface ProbeTarget {
  readonly dialer: BackendDialer;
  /** Undefined: connecting is enough. */
  readonly path: string | undefined;
  /** The Host line of the GET. */
  readonly host: string;
  readonly userAgent: string;
  readonly timeoutMs: number;
}

/** Why the backend is not well, for people; undefined: it is. */
export type ProbeResult = string | undefined;

/** Settles within the time-out, and never rejects. */
export function probe(target: ProbeTarget): Promise<ProbeResult> {
  return target.path === undefined ? connect(target) : get(target, target.path);
}

function connect({ dialer, timeoutMs }: ProbeTarget): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = dialer.connect();
    const timer = setTimeout(() => settle(`no connection within ${String(timeoutMs)} ms`), timeoutMs);
    const settle = (result: ProbeResult): void => {
      clearTimeout(timer);
      resolve(result);
      socket.destroy();
    };
    socket.once(dialer.readyEvent, () => settle(undefined));
    socket.on('error', (error) => settle(reasonOf(error)));
  });
}

function get({ dialer, host, userAgent, timeoutMs }: ProbeTarget, path: string): Promise<ProbeResult> {
  return new Promise((resolve) => {
    // Not imported by name, which would load all that node:http brings along, a fetch of its own among it: 3 MB.
    const { request } = process.getBuiltinModule('node:http');
    const headers = { host, 'user-agent': userAgent, connection: 'close' };
    const asking = request({ path, headers, createConnection: () => dialer.connect() });
    const timer = setTimeout(() => settle(`no answer within ${String(timeoutMs)} ms`), timeoutMs);
    const settle = (result: ProbeResult): void => {
      clearTimeout(timer);
      resolve(result);
      asking.destroy();
    };
    asking.once('response', ({ statusCode = 0 }) => {
      settle(
        statusCode >= 200 && statusCode < 400 ? undefined : `${path} is answered with ${String(statusCode)}`,
      );
    });
    asking.on('error', (error) => settle(reasonOf(error)));
    asking.end();
  });
}

/** A connect to several addresses fails with an AggregateError, which has the code and no message. */
function reasonOf(error: Error): string {
  if (error.message !== '') return error.message;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}
