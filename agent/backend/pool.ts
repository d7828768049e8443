/**
 * The agent's connections to its backend: those that serve and those that wait, the last used first. It gives
 * each stream a socket of its own and takes the socket back when the proxy says *done*. It knows no HTTP.
 */
import type { MuxStream } from '../../shared/mux/stream.ts';
import { systemClock } from '../../shared/time/clock.ts';
import type { Clock, Timer } from '../../shared/time/clock.ts';
import { WriteBatch } from '../../shared/transport/write-batch.ts';
import type { BackendDialer } from './connect.ts';
import { BackendConnection } from './connection.ts';
import type { BackendFailure, ConnectionOwner } from './connection.ts';
import { HeldStream } from './held-stream.ts';
import { IdleLife } from './idle-life.ts';
import { ReadMemory } from './read-memory.ts';

/** A connection that served so shortly ago needs no look: its backend has not thought of ending it. */
const freshMs = 20;
/**
 * What is more than the pool holds is kept until it has been idle for so long, twice that at most. Of several hundred connections in
 * use more than a pool of them may be back between two turns, and each that was closed then would be made anew in the next. There are
 * never more of them than there were exchanges at a time.
 */
const surplusMs = 1_000;

export interface PoolOptions {
  readonly dialer: BackendDialer;
  readonly connectTimeoutMs: number;
  /** Idle sockets kept ready; what is more than that is closed after a second or two, the longest idle first. */
  readonly poolSize: number;
  readonly idleTimeoutMs: number;
  readonly clock?: Clock;
  onFailure(failure: BackendFailure): void;
}

export class BackendPool implements ConnectionOwner {
  readonly #options: PoolOptions;
  readonly #clock: Clock;
  readonly #batch = new WriteBatch();
  readonly #memory = new ReadMemory();
  readonly #idleLife = new IdleLife();
  readonly #all = new Set<BackendConnection>();
  /** The longest idle first. */
  #idle: BackendConnection[] = [];
  /**
   * Those whose answer has just ended, in this turn and in the one before. More of it than it announced may lie in the
   * kernel, and would be the beginning of the next answer; after two turns it has been read, and the connection
   * destroyed as one that speaks unasked.
   */
  #fresh: BackendConnection[] = [];
  #settling: BackendConnection[] = [];
  #isTurning = false;
  readonly #onTurn = (): void => this.#turn();
  #timer: Timer | undefined;
  readonly #onTimer = (): void => this.#closeExpired();
  #surplusTimer: Timer | undefined;
  readonly #onSurplusTimer = (): void => this.#closeSurplus();

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get idleCount(): number {
    return this.#idle.length + this.#settling.length + this.#fresh.length;
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  serve(stream: MuxStream): void {
    const connection = this.#takeIdle();
    if (connection === undefined) {
      const settling = this.#takeUnsettled(this.#settling) ?? this.#takeUnsettled(this.#fresh);
      if (settling === undefined) this.#connect().serve(stream);
      else this.#serveAfterLook(stream, settling);
    } else if (this.#clock.nowMs() - connection.heardMs < freshMs) connection.serve(stream);
    else this.#serveAfterLook(stream, connection);
  }

  /** Destroys every connection. Streams on them are reset. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#surplusTimer?.cancel();
    this.#surplusTimer = undefined;
    for (const connection of this.#all) connection.destroy();
  }

  onReusable(connection: BackendConnection): void {
    if (this.#options.poolSize === 0) {
      connection.destroy();
      return;
    }
    connection.idleSinceMs = this.#clock.nowMs();
    this.#fresh.push(connection);
    if (!this.#isTurning) {
      this.#isTurning = true;
      setImmediate(this.#onTurn);
    }
  }

  onGone(connection: BackendConnection): void {
    this.#all.delete(connection);
    remove(this.#fresh, connection);
    remove(this.#settling, connection);
    const place = this.#idle.lastIndexOf(connection);
    if (place === -1) return;
    this.#idle.splice(place, 1);
    const nowMs = this.#clock.nowMs();
    this.#idleLife.noteEnd(nowMs - connection.heardMs, nowMs);
  }

  onFailure(failure: BackendFailure): void {
    this.#options.onFailure(failure);
  }

  /** What the backend has ended meanwhile is seen in one turn of the event loop, and another connection is taken. */
  #serveAfterLook(stream: MuxStream, connection: BackendConnection): void {
    const held = new HeldStream(stream);
    afterTwoTurns(() => {
      if (held.isReset) {
        if (connection.isUsable) this.onReusable(connection);
        return;
      }
      const usable = connection.isUsable ? connection : (this.#takeIdle() ?? this.#connect());
      usable.serve(stream);
      held.release();
    });
  }

  /** Once a turn, as long as there are connections that have not settled. */
  #turn(): void {
    if (this.#settling.length > 0) {
      this.#idle.push(...this.#settling);
      this.#timer ??= this.#clock.after(this.#options.idleTimeoutMs, this.#onTimer);
      if (this.#idle.length > this.#options.poolSize)
        this.#surplusTimer ??= this.#clock.after(surplusMs, this.#onSurplusTimer);
    }
    this.#settling = this.#fresh;
    this.#fresh = [];
    this.#isTurning = this.#settling.length > 0;
    if (this.#isTurning) setImmediate(this.#onTurn);
  }

  /** The last used, unless that is so long ago that the backend may be about to end it: then so it is of all others. */
  #takeIdle(): BackendConnection | undefined {
    const nowMs = this.#clock.nowMs();
    const oldest = this.#idle[0];
    if (oldest?.isUsable === true) this.#idleLife.noteAlive(nowMs - oldest.heardMs, nowMs);
    for (let last = this.#idle.at(-1); last !== undefined; last = this.#idle.at(-1)) {
      if (last.isUsable && nowMs - last.heardMs > this.#idleLife.safeMs) return undefined;
      this.#idle.pop();
      if (last.isUsable) return last;
    }
    return undefined;
  }

  /** Its answer may have ended long before we heard of it: the backend counts from its own. */
  #takeUnsettled(from: BackendConnection[]): BackendConnection | undefined {
    const last = from.at(-1);
    const isSafe = last !== undefined && this.#clock.nowMs() - last.heardMs <= this.#idleLife.safeMs;
    return isSafe ? from.pop() : undefined;
  }

  #connect(): BackendConnection {
    const { dialer, connectTimeoutMs } = this.#options;
    const connecting = { dialer, connectTimeoutMs, clock: this.#clock, memory: this.#memory };
    const connection = new BackendConnection(connecting, this.#batch, this);
    this.#all.add(connection);
    return connection;
  }

  #closeExpired(): void {
    this.#timer = undefined;
    const expiredAtMs = this.#clock.nowMs() - this.#options.idleTimeoutMs;
    this.#closeIdle(expiredAtMs, this.#idle.length);
    const oldest = this.#idle[0];
    if (oldest === undefined) return;
    const waitMs = Math.max(1, Math.ceil(oldest.idleSinceMs - expiredAtMs));
    this.#timer = this.#clock.after(waitMs, this.#onTimer);
  }

  #closeSurplus(): void {
    this.#surplusTimer = undefined;
    const { poolSize } = this.#options;
    this.#closeIdle(this.#clock.nowMs() - surplusMs, this.#idle.length - poolSize);
    // The rest of it has been in use meanwhile.
    if (this.#idle.length > poolSize) this.#surplusTimer = this.#clock.after(surplusMs, this.#onSurplusTimer);
  }

  /** Those idle since then or for longer, so many at most. */
  #closeIdle(sinceMs: number, maxCount: number): void {
    const later = this.#idle.findIndex((connection) => connection.idleSinceMs > sinceMs);
    const count = Math.min(later === -1 ? this.#idle.length : later, Math.max(0, maxCount));
    for (const connection of this.#idle.splice(0, count)) connection.destroy();
  }
}

function remove<T>(from: T[], item: T): void {
  const place = from.lastIndexOf(item);
  if (place !== -1) from.splice(place, 1);
}

/** The first lets this turn's reads end, the second comes behind all reads of the next. */
function afterTwoTurns(call: () => void): void {
  setImmediate(() => setImmediate(call));
}
