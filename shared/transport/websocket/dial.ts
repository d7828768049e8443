/**
 * The agent's end of the handshake: TCP, TLS where it is wss:, the upgrade request, and what becomes of its answer. It
 * knows neither yamux nor what the token says.
 */
import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { Refusal } from '../../http1/refusal.ts';
import { AnswerReader } from './answer-reader.ts';
import type { UpgradeAnswer } from './answer-reader.ts';
import { abortedError, describe, failedError, readRefusal, refusedError } from './dial-error.ts';
import { createKey, faultOf, writeUpgrade } from './handshake.ts';
import type { LinkSocket } from './link-socket.ts';
import { WebSocket } from './web-socket.ts';

export interface Destination {
  /** Without the brackets of IPv6. */
  readonly host: string;
  readonly port: number;
}

export interface DialOptions {
  /** ws: or wss: */
  readonly url: string;
  readonly subprotocol: string;
  readonly token: string;
  readonly userAgent: string;
  /** Certificate authorities (PEM) for wss, in place of the usual ones. */
  readonly ca?: string | undefined;
  /** Another way to a TCP connection than a direct one; undefined: a direct one. @throws DialError */
  readonly connect?:
    ((destination: Destination, signal: AbortSignal) => Promise<Socket> | undefined) | undefined;
  /** Ends the dial; an `AbortSignal.timeout` among its sources reads as `dial_timeout`. */
  readonly signal: AbortSignal;
}

/** Dials the proxy. @throws DialError */
export async function dialWebSocket(options: DialOptions): Promise<LinkSocket> {
  const { signal } = options;
  if (signal.aborted) throw abortedError(signal);
  const url = new URL(options.url);
  const isSecure = url.protocol === 'wss:';
  const host = url.hostname.replace(/^\[(.*)\]$/u, '$1');
  const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
  const under = await options.connect?.({ host, port }, signal);
  if (signal.aborted) {
    under?.destroy();
    throw abortedError(signal);
  }
  const socket = isSecure
    ? // Not imported by name: 3 MB that a plain link does not need.
      process.getBuiltinModule('node:tls').connect({
        ...(under === undefined ? { port } : { socket: under }),
        host,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(options.ca === undefined ? {} : { ca: options.ca }),
        ALPNProtocols: ['http/1.1'],
      })
    : (under ?? connectTcp({ host, port }));
  const isConnected = under !== undefined && !isSecure;
  const key = createKey();
  const ask = (): void => {
    const path = `${url.pathname}${url.search}`;
    socket.write(writeUpgrade({ ...options, path, host: url.host }, key), 'latin1');
  };
  if (isConnected) ask();
  else socket.once(isSecure ? 'secureConnect' : 'connect', ask);
  const { head, body, rest } = await readAnswer(socket, signal);
  if (head.status === 101) {
    const fault = faultOf((name) => head.fields.all(name), key, options.subprotocol);
    // RFC 6455 §10.3 wants the mask against intermediaries that read the bytes; under TLS none can, and the mask would cost
    // half the throughput.
    if (fault === undefined)
      return { webSocket: new WebSocket(socket, isSecure ? 'zero' : 'random', rest), socket };
    socket.destroy();
    throw failedError(`the answer to the upgrade is no WebSocket: ${fault}`);
  }
  socket.destroy();
  throw refusedError(readRefusal(head.status, head.reason, head.fields.get('retry-after'), body));
}

/** The answer, with nothing of ours left on the socket but somebody who hears its errors. @throws DialError, the socket destroyed */
function readAnswer(socket: Socket, signal: AbortSignal): Promise<UpgradeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<UpgradeAnswer>();
  const reader = new AnswerReader();
  let failure: Error | undefined;
  const settle = (answer: UpgradeAnswer | undefined, error?: Error): void => {
    socket.off('data', onData);
    socket.off('end', onEnd);
    socket.off('close', onClose);
    signal.removeEventListener('abort', onAbort);
    socket.pause();
    if (answer !== undefined) return resolve(answer);
    socket.destroy();
    reject(error ?? failedError('the connection was closed before an answer'));
  };
  const onData = (bytes: Buffer): void => {
    try {
      const answer = reader.push(bytes);
      if (answer !== undefined) settle(answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      settle(undefined, failedError(`the answer to the upgrade is no HTTP: ${error.reason}`, error));
    }
  };
  const onEnd = (): void => settle(reader.end());
  const onClose = (): void =>
    settle(reader.end(), failure === undefined ? undefined : failedError(describe(failure), failure));
  const onAbort = (): void => settle(undefined, abortedError(signal));
  // Stays: errors after this are the WebSocket's, whose 'close' counts.
  socket.on('error', (error: Error) => (failure = error));
  socket.on('data', onData);
  socket.once('end', onEnd);
  socket.once('close', onClose);
  signal.addEventListener('abort', onAbort, { once: true });
  return promise;
}
