/** A host and parts that note what happens to them. */
import { once } from 'node:events';
import type { LogFields, ProgramLog } from '../../shared/log/log.ts';
import type { Host, StopSignal } from '../../shared/run/host.ts';
import type { Part, Plan } from '../../shared/run/run.ts';

/** A process made of data: what happened to it stands in `story`, in order. */
export class FakeHost implements Host {
  readonly story: string[] = [];
  ms = 0;
  refresh: () => void = () => undefined;
  #listener: (signal: StopSignal) => void = () => undefined;

  onStopSignal(listener: (signal: StopSignal) => void): void {
    this.#listener = listener;
  }

  signal(signal: StopSignal): void {
    this.#listener(signal);
  }

  onRefreshSignal(listener: () => void): void {
    this.refresh = listener;
  }

  nowMs(): number {
    return this.ms;
  }

  writeError(text: string): void {
    this.story.push(`stderr ${text.trimEnd()}`);
  }

  exit(code: number): void {
    this.story.push(`exit ${code}`);
  }

  /** The log of the program; messages and what they are about go to the story. */
  log(): ProgramLog {
    const note = ({ part: name, reason, error, signal }: LogFields, message: string): void => {
      const words = [name, message, reason, error instanceof Error ? error.name : undefined, signal];
      this.story.push(`log ${words.filter((word) => typeof word === 'string').join(' ')}`);
    };
    return { debug: note, info: note, warn: note, error: note, flush: () => Promise.resolve() };
  }
}

interface Behaviour {
  readonly refresh?: () => void;
  readonly start?: (stopping: AbortSignal) => Promise<void>;
  readonly stop?: (deadline: AbortSignal) => Promise<void>;
}

export function part(host: FakeHost, name: string, { start, stop, refresh }: Behaviour = {}): Part {
  return {
    name,
    async start(stopping) {
      host.story.push(`start ${name}`);
      await start?.(stopping);
      return {
        ...(refresh === undefined ? {} : { refresh }),
        async stop(deadline) {
          host.story.push(`stop ${name}`);
          await stop?.(deadline);
          host.story.push(`gone ${name}`);
        },
      };
    },
  };
}

export function plan(host: FakeHost, parts: readonly Part[], drainTimeoutMs = 30_000): Plan {
  return { parts, drainTimeoutMs, log: host.log() };
}

export function aborted(signal: AbortSignal): Promise<void> {
  return signal.aborted ? Promise.resolve() : once(signal, 'abort').then(() => undefined);
}

/** What parts may do at their start or stop. */
export const failWithCode = (): Promise<void> =>
  Promise.reject(Object.assign(new Error('the port is taken'), { code: 'EADDRINUSE' }));
export const failByMistake = (): Promise<void> => Promise.reject(new TypeError('x is not a function'));
export const neverSettle = (): Promise<void> => Promise.withResolvers<void>().promise;
export const giveUp = async (stopping: AbortSignal): Promise<void> => {
  await aborted(stopping);
  throw new Error('given up');
};
