/** One dial to the proxy, directly or through an HTTP proxy, with what the agent asks for in its query. */
import { EventEmitter } from 'node:events';
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { agentSubprotocol, writeAsk } from '../../shared/protocol/ask.ts';
import type { Ask } from '../../shared/protocol/ask.ts';
import {
  abortedError,
  describe,
  DialError,
  failedError,
} from '../../shared/transport/websocket/dial-error.ts';
import { dialWebSocket } from '../../shared/transport/websocket/dial.ts';
import type { Destination } from '../../shared/transport/websocket/dial.ts';
import type { LinkSocket } from '../../shared/transport/websocket/link-socket.ts';
import { isExcepted } from './no-proxy.ts';

export interface DialTarget {
  /** ws: or wss:, with the agents' path. */
  readonly url: string;
  readonly ask: Ask;
  readonly userAgent: string;
  /** The certificate authorities (PEM) for wss, in place of the usual ones. */
  readonly ca: string | undefined;
  /** The HTTP proxy on the way, and the hosts that are reached without it. */
  readonly forwardProxy: URL | undefined;
  readonly noForwardProxy: readonly string[];
}

/** TCP, TLS and the upgrade together; a proxy that takes longer is not there. */
const dialTimeoutMs = 10_000;

/** @throws DialError */
export function dialProxy(target: DialTarget, token: string, signal: AbortSignal): Promise<LinkSocket> {
  const { forwardProxy, noForwardProxy } = target;
  return dialWebSocket({
    url: `${target.url}?${writeAsk(target.ask)}`,
    subprotocol: agentSubprotocol,
    token,
    userAgent: target.userAgent,
    ca: target.ca,
    signal: AbortSignal.any([signal, AbortSignal.timeout(dialTimeoutMs)]),
    connect: (destination, dialling) =>
      forwardProxy === undefined ||
      isExcepted({ hostname: destination.host, port: destination.port }, noForwardProxy)
        ? undefined
        : connectThrough(forwardProxy, destination, dialling),
  });
}

/** A TCP connection to the destination, made by the HTTP proxy on the way (CONNECT). @throws DialError */
async function connectThrough(
  forwardProxy: URL,
  { host, port }: Destination,
  signal: AbortSignal,
): Promise<Socket> {
  // Loaded only where it is used, as few agents have such a proxy.
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  if (signal.aborted) throw abortedError(signal);
  // Its own: the socket would be ended with it, however long it has served by then.
  const abandoned = new AbortController();
  const abandon = (): void => abandoned.abort();
  signal.addEventListener('abort', abandon, { once: true });
  const agent = new HttpsProxyAgent(forwardProxy, { signal: abandoned.signal });
  let status = 200;
  agent.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
    status = statusCode;
  });
  // It is made for node's HTTP client, of which it needs no more than somebody to tell what happens.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it emits, and asks for nothing
  const request = new EventEmitter() as unknown as ClientRequest;
  let socket: Socket;
  try {
    socket = await agent.connect(request, { secureEndpoint: false, host, port });
  } catch (error) {
    if (signal.aborted) throw abortedError(signal);
    throw failedError(error instanceof Error ? describe(error) : 'the HTTP proxy on the way failed', error);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
  if (status === 200) return socket;
  socket.destroy();
  throw connectError(status);
}

/** Not the proxy that was dialled has refused, but the one on the way. */
function connectError(status: number): DialError {
  const what =
    status === 407
      ? 'wants credentials (407): give them as http://USER:PASSWORD@HOST'
      : `answered CONNECT with ${String(status)}`;
  return new DialError(`the HTTP proxy on the way (HTTPS_PROXY) ${what}`, {
    code: 'dial_failed',
    scope: 'link',
    initiator: 'remote',
    answer: undefined,
  });
}
