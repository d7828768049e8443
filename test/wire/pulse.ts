/**
 * A connection that says when what was written elsewhere before has been read: it asks for an answer and waits for it,
 * since a program serves its sockets about in the order in which they became readable. So a cut between two writes is a
 * cut between two reads, and nobody waits for time to pass.
 */
import type { Test } from 'tap';
import { readHead, readResponse, status } from '../e2e/support/message.ts';
import type { Recorder } from '../e2e/support/recorder.ts';
import { dial, type Target, type Wire } from '../e2e/support/wire.ts';

export class Pulse {
  readonly #wire: Wire;
  readonly #ask: (wire: Wire) => Promise<void>;
  #last: Promise<void> = Promise.resolve();

  private constructor(wire: Wire, ask: (wire: Wire) => Promise<void>) {
    this.#wire = wire;
    this.#ask = ask;
  }

  /** Answered by the proxy itself: what clients have written has been read. */
  static async ofProxy(t: Test, target: Target): Promise<Pulse> {
    return new Pulse(await dial(t, target), async (wire) => {
      // RFC 9110 §7.6.2: the last hop answers.
      wire.write('OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 0\r\n\r\n');
      const answer = await readResponse(wire);
      if (answer.status !== 200) throw new Error(`the pulse was answered ${answer.status}`);
    });
  }

  /**
   * Echoed by the backend, over an upgraded connection: what backends have written has been read by the agent and by the
   * proxy. It has a backend socket of its own, so that it takes none out of the agent's pool.
   */
  static async ofBackend(t: Test, target: Target, backend: Recorder): Promise<Pulse> {
    const wire = await dial(t, target);
    const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\n\r\n';
    wire.write(`GET /pulse HTTP/1.1\r\nHost: h\r\n${upgrade}`);
    const asked = await backend.take('/pulse');
    asked.wire.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}`);
    const code = status(await readHead(wire));
    if (code !== 101) throw new Error(`the pulse was answered ${code}`);
    asked.wire.socket.on('data', () => asked.wire.write('.'));
    return new Pulse(wire, async () => {
      wire.write('.');
      await wire.take(1);
    });
  }

  /** Resolves when what was written anywhere before this call has been read. */
  beat(): Promise<void> {
    // One after the other: two readers of one connection would take each other's answers.
    this.#last = this.#last.then(() => this.#ask(this.#wire));
    return this.#last;
  }
}
