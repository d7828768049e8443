/**
 * The edge alone, in this process and on a real socket: a listener with the limits of a test, and an answer for each
 * request that the test gives itself. No tunnel, no agent.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { EdgeLimits } from '../../proxy/edge/limits.ts';
import { Listener } from '../../proxy/edge/listener.ts';
import type { ListenerOptions } from '../../proxy/edge/listener.ts';
import { Networks } from '../../shared/net/networks.ts';
import type { Client, ClientListener } from '../../proxy/exchange.ts';
import type { RequestHead } from '../../shared/http1/head.ts';
import type { RequestMeaning } from '../../shared/http1/rules.ts';
import { bodyLimits, requestHeadLimits } from '../../shared/http1/limits.ts';
import type { Target } from '../e2e/support/wire.ts';

/** Those of RULES. */
export const edgeLimits: EdgeLimits = {
  head: requestHeadLimits,
  body: bodyLimits,
  firstByteTimeoutMs: 10_000,
  headerTimeoutMs: 10_000,
  keepAliveTimeoutMs: 60_000,
  bodyTimeoutMs: 30_000,
  minBodyBytesPerSecond: 500,
  sendTimeoutMs: 30_000,
  minSendBytesPerSecond: 500,
  maxRequestsPerConnection: 1_000,
  maxPipelinedBytes: 16 * 1024,
  maxConnections: 10_000,
  maxConnectionsPerAddress: 2_500,
  refusalDrain: { bytes: 64 * 1024, ms: 2_000 },
  earlyAnswerDrain: { bytes: 256 * 1024, ms: 5_000 },
};

export interface Asked {
  readonly request: RequestHead;
  readonly meaning: RequestMeaning;
  readonly client: Client;
}

export interface EdgeOptions {
  readonly limits?: Partial<EdgeLimits>;
  readonly options?: Partial<ListenerOptions>;
  /** Answers a request; it may do so later. */
  readonly onAsked?: (asked: Asked) => void;
}

export interface Edge extends Target {
  readonly listener: Listener;
  /** What was turned away, as `code address`. */
  readonly turnedAway: string[];
  /** The code of each refusal. */
  readonly refused: string[];
  /** Resolves when there was a connection and none is left. */
  emptied(): Promise<void>;
}

export async function startEdge(t: Test, { limits = {}, options = {}, onAsked }: EdgeOptions): Promise<Edge> {
  const turnedAway: string[] = [];
  const refused: string[] = [];
  const listener = new Listener({
    host: '127.0.0.1',
    port: 0,
    limits: { ...edgeLimits, ...limits },
    requestRules: { viaName: 'edge-of-a-test', bodyBytes: limits.body?.bodyBytes ?? Infinity },
    trusted: new Networks([]),
    expectsProxyProtocol: false,
    secure: undefined,
    onExchange: (request, meaning, client) => onAsked?.({ request, meaning, client }),
    onRefusal: (refusal) => {
      refused.push(refusal.code);
      const { status } = refusal.answer;
      return `HTTP/1.1 ${String(status)} ${refusal.reason}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
    },
    onTurnedAway: (code, address) => turnedAway.push(`${code} ${address}`),
    ...options,
  });
  const { address: host, port } = await listener.listen();
  t.teardown(() => listener.drain(AbortSignal.abort()));
  const emptied = async (): Promise<void> => {
    // The listener tells nobody: it is looked at.
    // oxlint-disable-next-line no-await-in-loop
    while (listener.connectionCount === 0) await sleep(10);
    // oxlint-disable-next-line no-await-in-loop
    while (listener.connectionCount > 0) await sleep(10);
  };
  return { host, port, listener, turnedAway, refused, emptied };
}

function nothing(): void {
  // Not of interest here.
}

/** A listener that takes any body and does nothing with it, but for what a test puts in its place. */
export function takingAll(own: Partial<ClientListener> = {}): ClientListener {
  return {
    bodyRoom: () => Infinity,
    onBody: nothing,
    onBodyEnd: nothing,
    onBodyRefused: nothing,
    onDrain: nothing,
    onGone: nothing,
    onTick: nothing,
    ...own,
  };
}

/** A whole sized answer; the connection goes on where it may and `persist` says so. */
export function answer({ client }: Asked, body: Uint8Array, persist = true): void {
  const close = persist ? '' : 'Connection: close\r\n';
  client.writeFinalHead(`HTTP/1.1 200 OK\r\nContent-Length: ${String(body.length)}\r\n${close}\r\n`);
  client.write(body);
  client.finish(persist);
}
