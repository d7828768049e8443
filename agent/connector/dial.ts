/** One dial to the proxy, directly or through an HTTP proxy, with what the agent asks for in its query. */
import { agentSubprotocol, writeAsk } from '../../shared/protocol/ask.ts';
import type { Ask } from '../../shared/protocol/ask.ts';
import { DialError, dialWebSocket } from '../../shared/transport/websocket.ts';
import type { DialOptions, LinkSocket } from '../../shared/transport/websocket.ts';
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
  const { hostname, port, protocol } = new URL(target.url);
  const options = {
    url: `${target.url}?${writeAsk(target.ask)}`,
    subprotocol: agentSubprotocol,
    token,
    userAgent: target.userAgent,
    ca: target.ca,
    signal: AbortSignal.any([signal, AbortSignal.timeout(dialTimeoutMs)]),
  };
  const defaultPort = protocol === 'wss:' ? 443 : 80;
  const destination = { hostname, port: port === '' ? defaultPort : Number(port) };
  if (forwardProxy === undefined || isExcepted(destination, noForwardProxy)) return dialWebSocket(options);
  return dialThrough(forwardProxy, options);
}

async function dialThrough(forwardProxy: URL, options: DialOptions): Promise<LinkSocket> {
  // Loaded only where it is used, as few agents have such a proxy.
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  // The dial's own signal ends the request, which has no socket before CONNECT is answered: this ends that one too.
  const abandoned = new AbortController();
  const agent = new HttpsProxyAgent(forwardProxy, { signal: abandoned.signal });
  let connectStatus = 200;
  agent.once('proxyConnect', ({ statusCode }: { statusCode: number }) => {
    connectStatus = statusCode;
  });
  try {
    return await dialWebSocket({ ...options, agent });
  } catch (error) {
    abandoned.abort();
    throw connectStatus === 200 ? error : connectError(connectStatus, error);
  }
}

/** Not the proxy that was dialled has refused, but the one on the way. */
function connectError(status: number, cause: unknown): DialError {
  const what =
    status === 407
      ? 'wants credentials (407): give them as http://USER:PASSWORD@HOST'
      : `answered CONNECT with ${String(status)}`;
  return new DialError(`the HTTP proxy on the way (HTTPS_PROXY) ${what}`, {
    code: 'dial_failed',
    scope: 'link',
    initiator: 'remote',
    answer: undefined,
    cause,
  });
}
