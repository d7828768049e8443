/** Two sessions that talk over a line with latency and cuts, in virtual time: nothing here waits. */
import { MuxSession, type SessionOptions } from '../../shared/mux/session.ts';
import { Recorder } from './recorder.ts';
import { framesOf, takeAll } from './wire.ts';

type SideOptions = Partial<Omit<SessionOptions, 'role' | 'handler' | 'nowMs'>>;

export interface PairOptions {
  /** One way. Where it varies, what was said first still arrives first, as on TCP. */
  readonly latencyMs?: number | ((nowMs: number) => number);
  /** How many of the bytes that are left go in the next piece. Default: all. */
  readonly cut?: (leftBytes: number) => number;
  readonly client?: SideOptions;
  readonly server?: SideOptions;
}

interface Flight {
  readonly arrivesMs: number;
  readonly to: Side;
  readonly bytes: Uint8Array;
}

export class Side {
  readonly user = new Recorder();
  readonly session: MuxSession;
  /** Frames it has said, as words. */
  readonly said: string[] = [];

  constructor(role: 'client' | 'server', options: SideOptions) {
    this.session = new MuxSession({ role, handler: this.user, nowMs: 0, random: () => 0.5, ...options });
  }
}

export class Pair {
  readonly client: Side;
  readonly server: Side;
  /** A line that is down swallows what is said. */
  isDown = false;
  /** Frames are written down as words. Off for bulk. */
  listens = true;
  nowMs = 0;
  readonly #latencyMs: (nowMs: number) => number;
  readonly #cut: (leftBytes: number) => number;
  readonly #flights: Flight[] = [];

  constructor(options: PairOptions = {}) {
    this.client = new Side('client', options.client ?? {});
    this.server = new Side('server', options.server ?? {});
    const { latencyMs = 0 } = options;
    this.#latencyMs = typeof latencyMs === 'number' ? () => latencyMs : latencyMs;
    this.#cut = options.cut ?? ((leftBytes) => leftBytes);
  }

  /** Runs until neither side has anything to say now and nothing is under way that arrives by `untilMs`. */
  run(untilMs = this.nowMs): void {
    for (;;) {
      this.#send(this.client, this.server);
      this.#send(this.server, this.client);
      const flight = this.#flights[0];
      const wakeMs = Math.min(this.client.session.nextDeadlineMs, this.server.session.nextDeadlineMs);
      if (flight !== undefined && flight.arrivesMs <= Math.min(untilMs, wakeMs)) {
        this.nowMs = Math.max(this.nowMs, flight.arrivesMs);
        this.#flights.shift();
        this.#deliver(flight);
      } else if (wakeMs <= untilMs && wakeMs > this.nowMs) {
        this.nowMs = wakeMs;
        this.client.session.tick(this.nowMs);
        this.server.session.tick(this.nowMs);
      } else {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return;
      }
    }
  }

  #send(from: Side, to: Side): void {
    const bytes = takeAll(from.session);
    if (bytes.length === 0) return;
    if (this.listens) from.said.push(...framesOf(bytes));
    if (this.isDown) return;
    const before = this.#flights.findLast((flight) => flight.to === to)?.arrivesMs ?? 0;
    const arrivesMs = Math.max(before, this.nowMs + this.#latencyMs(this.nowMs));
    // In the order of arrival, whichever way they go.
    const behind = this.#flights.findIndex((flight) => flight.arrivesMs > arrivesMs);
    this.#flights.splice(behind === -1 ? this.#flights.length : behind, 0, { arrivesMs, to, bytes });
  }

  /** What is under way is lost as well. */
  cutOff(): void {
    this.isDown = true;
    this.#flights.length = 0;
  }

  #deliver(flight: Flight): void {
    for (let at = 0; at < flight.bytes.length;) {
      const end = at + this.#cut(flight.bytes.length - at);
      flight.to.session.receive(flight.bytes.subarray(at, end), this.nowMs);
      at = end;
    }
  }
}
