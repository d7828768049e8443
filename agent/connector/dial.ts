/** One dial to the proxy, directly or through an HTTP proxy, with what the agent asks for in its query. */
import type { Agent } from 'node:http';
import { agentSubprotocol, writeAsk } from '../../shared/protocol/ask.ts';
import type { Ask } from '../../shared/protocol/ask.ts';
import { dialWebSocket } from '../../shared/transport/websocket.ts';
import type { LinkSocket } from '../../shared/transport/websocket.ts';

export interface DialTarget {
  /** ws: or wss:, with the agents' path. */
  readonly url: string;
  readonly token: string;
  readonly ask: Ask;
  readonly userAgent: string;
  /** Extra certificate authorities (PEM) for wss. */
  readonly ca: string | undefined;
  /** The HTTP proxy on the way, and the hosts that are reached without it. */
  readonly forwardProxy: URL | undefined;
  readonly noForwardProxy: readonly string[];
}

/** TCP, TLS and the upgrade together; a proxy that takes longer is not there. */
const dialTimeoutMs = 10_000;

/** @throws DialError */
export async function dialProxy(target: DialTarget, signal: AbortSignal): Promise<LinkSocket> {
  const { forwardProxy, noForwardProxy } = target;
  const { hostname } = new URL(target.url);
  const goesThrough = forwardProxy !== undefined && !isExcepted(hostname, noForwardProxy);
  return dialWebSocket({
    url: `${target.url}?${writeAsk(target.ask)}`,
    subprotocol: agentSubprotocol,
    token: target.token,
    userAgent: target.userAgent,
    ca: target.ca,
    agent: goesThrough ? await createTunnelAgent(forwardProxy) : undefined,
    signal: AbortSignal.any([signal, AbortSignal.timeout(dialTimeoutMs)]),
  });
}

/** Loaded only where a forward proxy is set, as few agents have one. */
async function createTunnelAgent(forwardProxy: URL): Promise<Agent> {
  const { HttpsProxyAgent } = await import('https-proxy-agent');
  return new HttpsProxyAgent(forwardProxy);
}

/** `example.com` covers itself and what is below it, as `.example.com` does; `*` covers every host. */
export function isExcepted(hostname: string, exceptions: readonly string[]): boolean {
  const host = hostname.toLowerCase();
  return exceptions.some((exception) => {
    const name = exception.toLowerCase().replace(/^\*?\./u, '');
    return name === '*' || host === name || host.endsWith(`.${name}`);
  });
}
