/**
 * Carries an exchange to its backend: picks a tunnel, tries, tries again where that is safe, and tells the client
 * in our own words where no answer can be had. It asks routing for tunnels and knows no sockets.
 */
import type { Forwarding } from '../../shared/http1/write.ts';
import type { MemoryBudget } from '../../shared/mux/memory-budget.ts';
import type { FailureCode } from '../../shared/protocol/failures.ts';
import { failureAnswer, giveAnswer } from '../answer.ts';
import type { Exchange, Handler } from '../exchange.ts';
import type { Selection } from '../routing/registry.ts';
import { Attempt } from './attempt.ts';
import type { AttemptContext, Outcome } from './attempt.ts';
import { heldOfBody } from './request.ts';
import { maxRetries } from './limits.ts';
import type { StreamTunnel } from './tunnel.ts';
import type { WaitingRoom, WaitOutcome } from './waiting-room.ts';

export interface ForwardOptions extends AttemptContext {
  /** Our name in Via and Proxy-Status. */
  readonly name: string;
  readonly waitingRoom: WaitingRoom;
  /** Of the whole program. */
  readonly memory: MemoryBudget;
  select(host: string, path: string, except?: ReadonlySet<StreamTunnel>): Selection<StreamTunnel>;
  /** The gate: true sets the exchange's admission to this backend; false has answered the client itself. */
  admit(exchange: Exchange, backendId: string): boolean | Promise<boolean>;
}

export function createForward(options: ForwardOptions): Handler {
  return async (exchange) => {
    if (exchange.meaning.maxForwards === 0) {
      answerOptions(exchange, options.name);
      return;
    }
    const failure = await forwardWithin(exchange, options);
    if (failure !== undefined) giveAnswer(exchange, failureAnswer(failure), options.name);
  };
}

/** What is read of a body is held by its exchange, and not read where there is no memory for it. */
async function forwardWithin(exchange: Exchange, options: ForwardOptions): Promise<FailureCode | undefined> {
  const bytes = heldOfBody(exchange.meaning.framing);
  if (bytes === 0) return forward(exchange, options);
  if (!options.memory.openBeside(bytes)) return 'overloaded';
  try {
    return await forward(exchange, options);
  } finally {
    options.memory.release(bytes);
  }
}

/** Undefined when the client has been served or is gone; else what it must be told. */
async function forward(exchange: Exchange, options: ForwardOptions): Promise<FailureCode | undefined> {
  const { record } = exchange;
  let tried: Set<StreamTunnel> | undefined;
  let lastFailure: FailureCode | undefined;
  // Sequential by nature: the next try depends on how this one ended.
  // oxlint-disable no-await-in-loop
  for (;;) {
    const selection = pick(exchange, options, tried);
    const { backendId } = selection;
    // Asked before anything else is: who may not pass does not even learn whether anybody is there. And asked again where
    // the route has become another backend's while the request waited.
    if (backendId !== undefined && exchange.admission?.backendId !== backendId) {
      const isAdmitted = options.admit(exchange, backendId);
      if (isAdmitted === false || (isAdmitted !== true && !(await isAdmitted))) return undefined;
      if (exchange.client.isGone) return gone(exchange);
      // What was picked may have gone meanwhile.
      if (isAdmitted !== true) continue;
    }
    if (selection.kind === 'agent_offline') {
      const waited = await waitForTunnel(exchange, options, selection.sinceMs);
      if (waited === 'ready') continue;
      if (waited === 'gone') return gone(exchange);
      return lastFailure ?? (waited === 'full' ? 'overloaded' : 'agent_offline');
    }
    if (selection.kind !== 'tunnel') return lastFailure ?? selection.kind;
    const { tunnel } = selection;
    record.backendId = backendId;
    record.tunnelId = tunnel.id;
    record.agentInstance = tunnel.agentInstance;
    const outcome = await attempt(exchange, tunnel, options);
    if (outcome.kind === 'over') return undefined;
    if (!outcome.mayRetry || record.retries >= maxRetries || exchange.client.isGone) return outcome.code;
    record.retries += 1;
    lastFailure = outcome.code;
    tried ??= new Set();
    tried.add(tunnel);
  }
  // oxlint-enable no-await-in-loop
}

/** There is nobody left to tell anything. */
function gone({ record }: Exchange): undefined {
  record.abortedBy ??= 'client';
}

/** With one tunnel only, a fresh backend connection through it is the other way there is. */
function pick(
  { meaning }: Exchange,
  options: ForwardOptions,
  tried: ReadonlySet<StreamTunnel> | undefined,
): Selection<StreamTunnel> {
  const selection = options.select(meaning.host, meaning.path, tried);
  if (selection.kind === 'tunnel' || tried === undefined) return selection;
  return options.select(meaning.host, meaning.path);
}

/** Whoever was here a moment ago comes back in a moment; who has been away for longer is not waited for. */
async function waitForTunnel(
  exchange: Exchange,
  options: ForwardOptions,
  awaySinceMs: number,
): Promise<WaitOutcome> {
  const { meaning } = exchange;
  const untilMs = awaySinceMs + options.limits.queueTimeoutMs;
  if (performance.now() >= untilMs) return 'late';
  const isServed = (): boolean => options.select(meaning.host, meaning.path).kind !== 'agent_offline';
  return await options.waitingRoom.wait(exchange, untilMs, isServed);
}

function attempt(exchange: Exchange, tunnel: StreamTunnel, options: ForwardOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    new Attempt(exchange, tunnel, options, resolve).start(forwardingOf(exchange, tunnel, options.name));
  });
}

function forwardingOf({ client, meaning, record }: Exchange, tunnel: StreamTunnel, name: string): Forwarding {
  return {
    for: client.address,
    proto: client.isSecure ? 'https' : 'http',
    host: meaning.authority,
    via: name,
    requestId: record.id,
    trustChain: client.isTrusted,
    hostHeader: tunnel.hostHeader,
  };
}

/** Max-Forwards has reached 0: the last hop answers (RFC 9110 §7.6.2). */
function answerOptions({ client, record }: Exchange, name: string): void {
  record.status = 200;
  const ours = `Proxy-Status: ${name}\r\nX-Request-Id: ${record.id}\r\n`;
  const close = client.mayPersist ? '' : 'Connection: close\r\n';
  client.writeFinalHead(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${ours}${close}\r\n`);
  client.finish(client.mayPersist);
}
