/**
 * Small requests on kept connections, as most of the traffic is: half of them GET, half of them POST, which nobody may send
 * twice. A connection that was closed while nothing was under way is replaced; that is no failure, and HTTP wants it so.
 */
import { type Message, readResponse, values } from '../../e2e/support/message.ts';
import type { Wire } from '../../e2e/support/wire.ts';
import { answerTo, bytesOf } from '../content.ts';
import { outcomeOf, outcomeOfError } from '../outcome.ts';
import { type Client, connectTo, type Load, type Worker } from './load.ts';

export const smallRequests: Load = {
  kind: 'small',
  workers: 12,
  pauseMs: 80,
  create: (client) => new SmallRequests(client),
};

class SmallRequests implements Worker {
  readonly #client: Client;
  #wire: Wire | undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  async once(): Promise<void> {
    const { random, target, limitMs, record } = this.#client;
    const nonce = String(random.next());
    const isPost = random.below(2) === 0;
    const body = bytesOf(nonce, isPost ? random.below(2_000) : 0);
    try {
      if (this.#wire?.leaving !== undefined) this.end();
      this.#wire ??= await connectTo(target, limitMs);
      const line = `${isPost ? 'POST' : 'GET'} /small?nonce=${nonce} HTTP/1.1\r\nHost: chaos.test\r\n`;
      this.#wire.write(isPost ? `${line}Content-Length: ${body.length}\r\n\r\n` : `${line}\r\n`);
      if (body.length > 0) this.#wire.write(body);
      const message = await readResponse(this.#wire, 'GET', limitMs);
      record('small', outcomeOf(message, Buffer.from(answerTo(nonce, body))));
      if (!isKept(message)) this.end();
    } catch (error) {
      record('small', outcomeOfError(this.#wire, error));
      this.end();
    }
  }

  end(): void {
    this.#wire?.socket.destroy();
    this.#wire = undefined;
  }
}

function isKept(message: Message): boolean {
  return !values(message, 'connection').some((line) => line.toLowerCase().includes('close'));
}
