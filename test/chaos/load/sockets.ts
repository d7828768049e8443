/**
 * WebSockets: each says something a number of times, hears it back, and closes. Nobody else has a reason to close it; who
 * has to, says 1012 and why.
 */
import { randomBytes } from 'node:crypto';
import { type RawData, WebSocket } from 'ws';
import { type Outcome, outcomeOfStatus, right } from '../outcome.ts';
import type { Client, Load } from './load.ts';

const serviceRestart = 1012;
const normalClosure = 1000;
/** What `ws` gives where no Close frame came. */
const noCloseFrame = 1006;

export const webSockets: Load = {
  kind: 'websocket',
  workers: 6,
  pauseMs: 200,
  create: (client) => ({
    once: async () => client.record('websocket', await new Conversation(client).outcome),
    end: () => undefined,
  }),
};

class Conversation {
  readonly outcome: Promise<Outcome>;
  readonly #client: Client;
  readonly #socket: WebSocket;
  readonly #settle: (outcome: Outcome) => void;
  #left: number;
  #said: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | undefined;
  #pause: NodeJS.Timeout | undefined;

  constructor(client: Client) {
    const settled = Promise.withResolvers<Outcome>();
    this.outcome = settled.promise;
    this.#client = client;
    this.#left = 1 + client.random.below(60);
    this.#settle = (outcome) => {
      clearTimeout(this.#timer);
      clearTimeout(this.#pause);
      settled.resolve(outcome);
      this.#socket.terminate();
    };
    const { host, port } = client.target;
    this.#socket = new WebSocket(`ws://${host}:${port}/`, { perMessageDeflate: false });
    this.#socket.on('unexpected-response', (_request, { statusCode = 0, headers }) => {
      const proxyStatus = headers['proxy-status'];
      this.#settle(
        outcomeOfStatus(statusCode, Array.isArray(proxyStatus) ? proxyStatus.join() : proxyStatus),
      );
    });
    this.#socket.on('error', (error) => this.#settle(outcomeOfFault(error)));
    this.#socket.on('open', () => this.#say());
    this.#socket.on('message', (data) => this.#hear(data));
    this.#socket.on('close', (code, reason) => this.#settle(outcomeOfClose(code, reason, this.#left === 0)));
    this.#wait();
  }

  #wait(): void {
    clearTimeout(this.#timer);
    const hung: Outcome = { verdict: 'hung', detail: 'no frame within the limit' };
    this.#timer = setTimeout(() => this.#settle(hung), this.#client.limitMs);
  }

  #say(): void {
    this.#wait();
    this.#said = randomBytes(1 + this.#client.random.below(8_000));
    this.#socket.send(this.#said);
  }

  #hear(data: RawData): void {
    this.#wait();
    if (!Buffer.isBuffer(data) || !data.equals(this.#said)) {
      this.#settle({ verdict: 'wrong', detail: 'another message than was sent' });
      return;
    }
    this.#left -= 1;
    if (this.#left === 0) this.#socket.close(normalClosure);
    else this.#pause = setTimeout(() => this.#say(), 1 + this.#client.random.below(120));
  }
}

/** `ws` names what is no WebSocket protocol; all else is the connection. */
function outcomeOfFault(error: Error): Outcome {
  const code = 'code' in error ? String(error.code) : '';
  return code.startsWith('WS_ERR')
    ? { verdict: 'wrong', detail: `no WebSocket frames: ${code}` }
    : { verdict: 'broken', detail: `connection lost: ${code}` };
}

export function outcomeOfClose(code: number, reason: Buffer, isDone: boolean): Outcome {
  if (code === serviceRestart && reason.length > 0)
    return { verdict: 'told', detail: `1012 ${reason.toString()}` };
  if (code === normalClosure && isDone) return right;
  if (code === normalClosure) return { verdict: 'short', detail: 'closed in order before its end' };
  if (code === noCloseFrame) return { verdict: 'broken', detail: 'ended without a Close frame' };
  return { verdict: 'wrong', detail: `closed with ${code} ${reason.toString()}` };
}
