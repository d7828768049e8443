/**
 * Time as whoever waits needs it: what it is, and a call when it has come. A test gives one of its own and moves it
 * by hand. It knows nobody who waits.
 */

export interface Timer {
  /** It will not call. Idempotent, also after it has called. */
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since some moment; it only goes forward. */
  nowMs(): number;
  /** Calls once, when so much time has passed. */
  after(delayMs: number, call: () => void): Timer;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, call) => {
    const timer = setTimeout(call, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
