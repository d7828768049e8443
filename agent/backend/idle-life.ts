/**
 * How long a connection may have been idle and still be used, learnt from those that the backend has ended. A request
 * that is sent in the very moment at which the backend closes the connection is lost, and may not be sent again when it
 * is no GET; so once a backend has ended one, the others are used for half as long as they are seen to live.
 * Arithmetic only.
 */

/** The other half is for a busy backend, which closes what it has not read yet. */
const safeShare = 0.5;
/** No server gives up on its clients sooner. */
const leastSafeMs = 20;

/** So long an end is believed whatever is seen meanwhile: a connection that seems alive may only not have told yet. */
const believedMs = 10_000;

export class IdleLife {
  #seenMs = Infinity;
  #believedUntilMs = 0;

  get safeMs(): number {
    return Math.max(leastSafeMs, this.#seenMs * safeShare);
  }

  /** A connection has been idle for so long and is there. */
  noteAlive(idleMs: number, nowMs: number): void {
    if (nowMs >= this.#believedUntilMs) this.#seenMs = Math.max(this.#seenMs, idleMs);
  }

  /** The backend has ended one that was idle for so long. */
  noteEnd(idleMs: number, nowMs: number): void {
    this.#seenMs = Math.min(this.#seenMs, idleMs);
    this.#believedUntilMs = nowMs + believedMs;
  }
}
