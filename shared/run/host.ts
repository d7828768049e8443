/** What running a program needs of the process it runs in: signals, a clock, a way to speak before there is a log, an exit. */

import { closeSync, openSync } from 'node:fs';

/** The signals that ask a program to stop; SIGHUP does where it says that the program's terminal is gone. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface Host {
  /** Calls back at every signal that asks to stop, until the process ends. */
  onStopSignal(listener: (signal: StopSignal) => void): void;
  /** Calls back at every SIGHUP that somebody has sent: what is outside may have changed, look again. */
  onRefreshSignal(listener: () => void): void;
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
  const hadTerminal = hasTerminal();
  // A closed terminal sends SIGHUP too, and whoever closes it means that the program ends.
  const isHungUp = (): boolean => hadTerminal && !hasTerminal();
  return {
    onStopSignal(listener) {
      process.on('SIGINT', listener);
      process.on('SIGTERM', listener);
      process.on('SIGHUP', () => {
        if (isHungUp()) listener('SIGHUP');
      });
    },
    onRefreshSignal(listener) {
      process.on('SIGHUP', () => {
        if (!isHungUp()) listener();
      });
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

/** Whether this process has a controlling terminal (tty(4)): a service, a container and a detached process have none. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r+'));
    return true;
  } catch {
    return false;
  }
}
