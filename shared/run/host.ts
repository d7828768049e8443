/** What running a program needs of the process it runs in: signals, a clock, a way to speak before there is a log, an exit. */

/** The signals that ask a program to stop. */
export type StopSignal = 'SIGINT' | 'SIGTERM';

export interface Host {
  /** Calls back at every signal that asks to stop, until the process ends. */
  onStopSignal(listener: (signal: StopSignal) => void): void;
  /** Milliseconds on a clock that never goes back. */
  nowMs(): number;
  /** To the standard error, as it stands. */
  writeError(text: string): void;
  /** Ends the process; nothing runs after it. */
  exit(code: number): void;
}

/**
 * This process. Process 1 of a container gets no default action for signals from the kernel, so the listeners are all that
 * ends it: ask for them before anything else.
 */
export function createProcessHost(): Host {
  return {
    onStopSignal(listener) {
      process.on('SIGINT', listener);
      process.on('SIGTERM', listener);
    },
    nowMs: () => performance.now(),
    writeError: (text) => {
      process.stderr.write(text);
    },
    exit: (code) => {
      process.exit(code);
    },
  };
}
