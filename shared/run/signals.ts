/** The signals that ask a program to stop: the first one asks, a second one ends the process at once. */
import type { Host, StopSignal } from './host.ts';

/** One Ctrl-C comes twice where npm stands in between, from the terminal and from npm: that is one signal. */
const sameSignalMs = 500;

/** A process that a signal ended reports 128 and the signal's number. */
const exitCodes: { readonly [Name in StopSignal]: number } = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

export class Signals {
  /** Settles with the first signal. */
  readonly first: Promise<StopSignal>;
  readonly #stopping = new AbortController();

  constructor(host: Host) {
    const { promise, resolve } = Promise.withResolvers<StopSignal>();
    this.first = promise;
    let firstMs: number | undefined;
    host.onStopSignal((signal) => {
      if (firstMs !== undefined) {
        if (host.nowMs() - firstMs >= sameSignalMs) host.exit(exitCodes[signal]);
        return;
      }
      firstMs = host.nowMs();
      resolve(signal);
      this.#stopping.abort();
    });
  }

  /** Aborts at the first signal. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }
}
