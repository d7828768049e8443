/**
 * A long line: a relay of TCP whose bytes arrive later than they were sent, and no faster than a rate that all connections of one
 * direction share. Connecting costs no round trip, and there is neither loss nor slow start: for what is carried over it, that is
 * the same for all, and for TCP itself it is as good as a line can be.
 * `node delay-relay.ts PORT TARGET_PORT DELAY_MS BYTES_PER_SECOND`, the delay of one way.
 */
import { connect, createServer, type Socket } from 'node:net';

const [port = 0, targetPort = 0, delayMs = 0, bytesPerSecond = 0] = process.argv.slice(2).map(Number);

/** What waits at the near end before its sender is held: 2 ms at 1 Gbit/s, as the queue of a good router. */
const queueBytes = 262_144;
/** What the far end may not have taken yet; then the line itself stands still. */
const undeliveredBytes = 1_048_576;
/** What one connection has under way when the line is full, twice: only a line that stands still holds more. */
const maxHeldBytes = 2 * ((bytesPerSecond * delayMs) / 1_000 + queueBytes);

interface Parcel {
  readonly dueMs: number;
  readonly bytes: Buffer | undefined;
}

/** One direction of the line, for all connections. */
class Direction {
  #freeAtMs = 0;

  /** When bytes that are sent now have left the near end. */
  send(length: number): number {
    this.#freeAtMs = Math.max(this.#freeAtMs, performance.now()) + (length / bytesPerSecond) * 1_000;
    return this.#freeAtMs;
  }

  get queuedMs(): number {
    return this.#freeAtMs - performance.now();
  }
}

/** One direction of one connection. */
class Way {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #direction: Direction;
  readonly #parcels: Parcel[] = [];
  #next = 0;
  #heldBytes = 0;
  #isTimed = false;

  constructor(from: Socket, to: Socket, direction: Direction) {
    this.#from = from;
    this.#to = to;
    this.#direction = direction;
    from.on('data', (bytes) => this.#take(bytes));
    from.on('end', () => this.#post(undefined, performance.now()));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      if (!from.readableEnded) to.destroy();
    });
    to.on('drain', () => this.#deliver());
  }

  #take(bytes: Buffer): void {
    this.#post(bytes, this.#direction.send(bytes.length));
    this.#heldBytes += bytes.length;
    const waitMs = this.#direction.queuedMs - (queueBytes / bytesPerSecond) * 1_000;
    if (waitMs > 0) setTimeout(() => this.#resume(), waitMs);
    if (waitMs > 0 || this.#heldBytes > maxHeldBytes) this.#from.pause();
  }

  #resume(): void {
    if (this.#heldBytes <= maxHeldBytes && this.#direction.queuedMs * bytesPerSecond <= queueBytes * 1_000)
      this.#from.resume();
    else if (this.#heldBytes <= maxHeldBytes) setTimeout(() => this.#resume(), 1);
  }

  #post(bytes: Buffer | undefined, leftMs: number): void {
    this.#parcels.push({ dueMs: leftMs + delayMs, bytes });
    this.#wake();
  }

  #wake(): void {
    const parcel = this.#parcels[this.#next];
    if (this.#isTimed || parcel === undefined) return;
    this.#isTimed = true;
    setTimeout(
      () => {
        this.#isTimed = false;
        this.#deliver();
      },
      Math.max(0, parcel.dueMs - performance.now()),
    );
  }

  #deliver(): void {
    const nowMs = performance.now();
    for (;;) {
      const parcel = this.#parcels[this.#next];
      if (parcel === undefined || parcel.dueMs > nowMs) break;
      // 'drain' goes on.
      if (this.#to.writableLength > undeliveredBytes) return;
      this.#next += 1;
      if (parcel.bytes === undefined) this.#to.end();
      else {
        this.#heldBytes -= parcel.bytes.length;
        this.#to.write(parcel.bytes);
      }
    }
    if (this.#from.isPaused()) this.#resume();
    if (this.#next > 1_024 || this.#next === this.#parcels.length) {
      this.#parcels.splice(0, this.#next);
      this.#next = 0;
    }
    this.#wake();
  }
}

const there = new Direction();
const back = new Direction();
const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  for (const socket of [near, far]) socket.on('error', () => socket.destroy());
  return [new Way(near, far, there), new Way(far, near, back)];
});
server.listen({ host: '127.0.0.1', port }, () => process.stdout.write('listening\n'));
