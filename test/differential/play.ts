/**
 * Plays a case's bytes over a connection of its own, in the pieces it is cut into, and reads the answers to the end of the
 * connection. It judges nothing.
 */
import { connect, type Socket } from 'node:net';
import { AnswerReader, type Answer } from './answers.ts';

export interface Script {
  readonly port: number;
  readonly pieces: readonly Buffer[];
  /** Half-close behind the last byte, and not only when the answers have come. */
  readonly halfClosesAtOnce: boolean;
  /** How many answers are waited for. */
  readonly answers: number;
  readonly methods: readonly string[];
  /** How many of the requests are all there. */
  readonly whole: number;
  /** How long the connection may take, to its end. */
  readonly withinMs: number;
}

export interface Transcript {
  readonly answers: readonly Answer[];
  /** What the answers' bytes had wrong, or the connection. */
  readonly wrong: string | undefined;
  readonly leaving: 'fin' | 'reset' | 'silence';
}

/** Far beyond any answer's time; what comes later has not come. Above the proxy's own time-out for an answer. */
export const patienceMs = 30_000;
/** Without the edge, whoever takes a message for longer than it is may wait for ever. */
export const directPatienceMs = 1_500;
/** 127.0.0.1 has some 28,000 ports, each of them taken for a minute by every connection it had. */
const sourceAddresses = 200;
let connections = 0;

export function play(script: Script): Promise<Transcript> {
  return new Player(script).transcript;
}

class Player {
  readonly transcript: Promise<Transcript>;
  readonly #script: Script;
  readonly #socket: Socket;
  readonly #reader: AnswerReader;
  readonly #timer: NodeJS.Timeout;
  readonly #resolve: (transcript: Transcript) => void;
  #sent = 0;
  #leaving: Transcript['leaving'] | undefined;

  constructor(script: Script) {
    this.#script = script;
    const { promise, resolve } = Promise.withResolvers<Transcript>();
    this.transcript = promise;
    this.#resolve = resolve;
    this.#reader = new AnswerReader(script.methods, script.whole);
    connections += 1;
    const localAddress = `127.0.1.${(connections % sourceAddresses) + 1}`;
    const { port } = script;
    const socket = connect({ host: '127.0.0.1', port, localAddress, allowHalfOpen: true, noDelay: true });
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#leave('silence'), script.withinMs);
    socket.on('connect', () => this.#send());
    socket.on('data', (bytes) => {
      this.#reader.push(bytes);
      this.#endIfAnswered();
    });
    socket.on('end', () => this.#leave('fin'));
    socket.on('error', () => this.#leave('reset'));
    socket.on('close', () => this.#leave('reset'));
  }

  #send(): void {
    const piece = this.#script.pieces[this.#sent];
    if (piece === undefined || this.#leaving !== undefined) {
      this.#endIfAnswered();
      return;
    }
    this.#sent += 1;
    this.#socket.write(piece);
    if (this.#sent === this.#script.pieces.length) this.#endIfAnswered();
    // The edge gets a chance to see the pieces apart.
    else setImmediate(() => this.#send());
  }

  #endIfAnswered(): void {
    const { pieces, halfClosesAtOnce, answers } = this.#script;
    if (this.#sent < pieces.length || this.#socket.writableEnded) return;
    if (halfClosesAtOnce || this.#reader.answers.length >= answers) this.#socket.end();
  }

  #leave(leaving: Transcript['leaving']): void {
    if (this.#leaving !== undefined) return;
    this.#leaving = leaving;
    clearTimeout(this.#timer);
    if (leaving === 'fin') this.#reader.end();
    this.#socket.destroy();
    const { answers, wrong } = this.#reader;
    this.#resolve({ answers, wrong, leaving });
  }
}
