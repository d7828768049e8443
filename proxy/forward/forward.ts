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
import type { AttemptContext } from './attempt.ts';
import { heldOfBody } from './request.ts';
import { maxRetries } from './limits.ts';
import type { AttemptOwner, Ending, Outcome } from './outcome.ts';
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
  return (exchange) => {
    if (exchange.meaning.maxForwards === 0) {
      answerOptions(exchange, options.name);
      return over;
    }
    // What is read of a body is held by its exchange, and not read where there is no memory for it.
    const heldBytes = heldOfBody(exchange.meaning.framing);
    if (heldBytes > 0 && !options.memory.openBeside(heldBytes)) {
      giveAnswer(exchange, failureAnswer('overloaded'), options.name);
      return over;
    }
    const errand = new Errand(exchange, options, heldBytes);
    errand.go();
    return errand.ending.whenOver();
  };
}

const over = Promise.resolve();

/** The end of an errand, apart from what it is about. */
class ErrandEnding implements Ending {
  readonly #memory: MemoryBudget;
  readonly #heldBytes: number;
  #isOver = false;
  #done: (() => void) | undefined;

  constructor(memory: MemoryBudget, heldBytes: number) {
    this.#memory = memory;
    this.#heldBytes = heldBytes;
  }

  /** Asked once. */
  whenOver(): Promise<void> {
    if (this.#isOver) return over;
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#heldBytes > 0) this.#memory.release(this.#heldBytes);
    this.#done?.();
  }
}

/** One exchange on its way. It waits for nobody where nobody has to be waited for. */
class Errand implements AttemptOwner {
  readonly ending: ErrandEnding;
  readonly #exchange: Exchange;
  readonly #options: ForwardOptions;
  #tunnel: StreamTunnel | undefined;
  #tried: Set<StreamTunnel> | undefined;
  #lastFailure: FailureCode | undefined;
  /** A try is under way. The client's events still go to one that has failed until something else listens, and it may end once more. */
  #isTrying = false;

  /** @param heldBytes of the memory budget, given back at the end */
  constructor(exchange: Exchange, options: ForwardOptions, heldBytes: number) {
    this.#exchange = exchange;
    this.#options = options;
    this.ending = new ErrandEnding(options.memory, heldBytes);
  }

  /** From the choice of a tunnel on; again after every wait and every try that may be repeated. */
  go(): void {
    const { meaning, admission } = this.#exchange;
    const selection = pick(meaning, this.#options, this.#tried);
    const { backendId } = selection;
    // Asked before anything else is: who may not pass does not even learn whether anybody is there. And asked again where
    // the route has become another backend's while the request waited.
    if (backendId !== undefined && admission?.backendId !== backendId) {
      const isAdmitted = this.#options.admit(this.#exchange, backendId);
      if (isAdmitted === false) {
        this.ending.end();
        return;
      }
      if (isAdmitted !== true) {
        void this.#afterAdmission(isAdmitted);
        return;
      }
      if (this.#exchange.client.isGone) {
        this.#gone();
        return;
      }
    }
    if (selection.kind === 'tunnel') this.#try(selection.tunnel, selection.backendId);
    else if (selection.kind === 'agent_offline') void this.#wait(selection.sinceMs);
    else this.#fail(this.#lastFailure ?? selection.kind);
  }

  async #afterAdmission(admitted: Promise<boolean>): Promise<void> {
    if (!(await admitted)) this.ending.end();
    else if (this.#exchange.client.isGone) this.#gone();
    // What was picked may have gone meanwhile.
    else this.go();
  }

  async #wait(sinceMs: number): Promise<void> {
    const waited = await waitForTunnel(this.#exchange, this.#options, sinceMs);
    if (waited === 'ready') this.go();
    else if (waited === 'gone') this.#gone();
    else this.#fail(this.#lastFailure ?? (waited === 'full' ? 'overloaded' : 'agent_offline'));
  }

  #try(tunnel: StreamTunnel, backendId: string): void {
    const { record } = this.#exchange;
    record.backendId = backendId;
    record.tunnelId = tunnel.id;
    record.agentInstance = tunnel.agentInstance;
    this.#tunnel = tunnel;
    this.#isTrying = true;
    const attempt = new Attempt(this.#exchange, tunnel, this.#options, this);
    attempt.start(forwardingOf(this.#exchange, tunnel, this.#options.name));
  }

  /** From the attempt. */
  settle(outcome: Outcome): void {
    if (!this.#isTrying) return;
    this.#isTrying = false;
    // Not within the call that brought the news: the tunnel that has failed is still being taken down.
    if (outcome.kind === 'failed') queueMicrotask(() => this.#afterFailure(outcome));
    else this.ending.end();
  }

  #afterFailure({ code, mayRetry }: Extract<Outcome, { kind: 'failed' }>): void {
    const { record, client } = this.#exchange;
    if (!mayRetry || record.retries >= maxRetries || client.isGone) {
      this.#fail(code);
      return;
    }
    record.retries += 1;
    this.#lastFailure = code;
    this.#tried ??= new Set();
    if (this.#tunnel !== undefined) this.#tried.add(this.#tunnel);
    this.go();
  }

  #fail(code: FailureCode): void {
    giveAnswer(this.#exchange, failureAnswer(code), this.#options.name);
    this.ending.end();
  }

  /** There is nobody left to tell anything. */
  #gone(): void {
    this.#exchange.record.abortedBy ??= 'client';
    this.ending.end();
  }
}

/** With one tunnel only, a fresh backend connection through it is the other way there is. */
function pick(
  meaning: Exchange['meaning'],
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
