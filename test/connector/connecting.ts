/** A connector in front of a stub proxy, its time in the test's hands and its log as sentences. */
import type { Test } from 'tap';
import { Connector } from '../../agent/connector/connector.ts';
import { dialProxy } from '../../agent/connector/dial.ts';
import { fixedToken } from '../../agent/token/token-source.ts';
import type { TokenSource } from '../../agent/token/token-source.ts';
import type { Log, LogFields } from '../../shared/log/log.ts';
import type { Hello } from '../../shared/protocol/control.ts';
import { Recorder } from '../mux/recorder.ts';
import { HandClock } from '../transport/hand-clock.ts';
import { until } from '../transport/until.ts';
import type { StubProxy } from './stub-proxy.ts';

export const hello: Hello = {
  kind: 'hello',
  version: '1.2.3',
  instance: 'instance',
  backend: 'default',
  hosts: ['a.example.com'],
  paths: [],
  options: {},
};

export interface Connecting {
  readonly connector: Connector;
  readonly clock: HandClock;
  /** `message key=value …` */
  readonly lines: string[];
  /** What the streams of the proxy were given to. */
  readonly user: Recorder;
  /** Dials that have ended, either way. */
  readonly dials: () => number;
  logged(pattern: RegExp): number;
}

export interface Options {
  readonly links?: number;
  readonly random?: () => number;
  readonly url?: () => string;
  readonly tokens?: TokenSource;
}

export function connect(t: Test, proxy: StubProxy, options: Options = {}): Connecting {
  const clock = new HandClock();
  const lines: string[] = [];
  const user = new Recorder();
  let dials = 0;
  const { links = 1, random = () => 0.5, url = () => proxy.url } = options;
  const ask = { backend: 'default', hosts: ['a.example.com'], paths: [] };
  const rest = { ask, userAgent: 'test', ca: undefined };
  const connector = new Connector({
    links,
    hello,
    log: logTo(lines),
    clock,
    random,
    tokens: options.tokens ?? fixedToken('the-token'),
    dial: async (token, signal) => {
      const target = { ...rest, url: url(), forwardProxy: undefined, noForwardProxy: [] };
      return dialProxy(target, token, signal).finally(() => (dials += 1));
    },
    serve: (stream) => {
      user.onStream(stream);
    },
  });
  t.teardown(() => connector.stop(AbortSignal.abort()));
  connector.start();
  const logged = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
  return { connector, clock, lines, user, dials: () => dials, logged };
}

/** Waits until nothing but the pause before the next dial waits, and gives how long that is. */
export async function pauseMs({ clock, connector, dials }: Connecting, afterDials: number): Promise<number> {
  await until(
    `dial ${afterDials} and the pause behind it`,
    () => dials() === afterDials && connector.linkCount === 0 && clock.waitingCount === 1,
  );
  return clock.untilNextMs;
}

function logTo(lines: string[]): Log {
  const note = (fields: LogFields, message: string): void => {
    const words = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    lines.push([message, ...words].join(' '));
  };
  return { debug: note, info: note, warn: note, error: note };
}
