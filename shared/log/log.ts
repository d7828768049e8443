/**
 * The log: one line an event, JSON for machines or short lines for people. pino lives here. Fields that may hold a secret
 * are masked by their names, tokens in texts by their shape, so that logging one by mistake shows nothing.
 */
import { createRequire } from 'node:module';
import { pino } from 'pino';
import type { Logger } from 'pino';
import type * as PinoPretty from 'pino-pretty';
import { LineOutput } from './line-output.ts';
import { maskFields, maskTokens } from './mask.ts';
import { createRecordLine } from './record-line.ts';
import type { RecordLine } from './record-line.ts';

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFormat = 'json' | 'pretty';

/** What everybody who logs needs. The hot path knows no logger. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** A program's own log, which it flushes before it ends. */
export interface ProgramLog extends Log {
  /** Settles when every line so far has been written. */
  flush(): Promise<void>;
}

/** A log that takes lines of one kind by the thousand a second. */
export interface RecordLog {
  /** A writer of lines with this message at the level info; undefined where that is not logged. */
  recordLine(message: string): RecordLine | undefined;
}

/** Takes lines, each with its line break. */
export interface Lines {
  write(line: string): void;
}

export interface LogOptions {
  /** The program, in each line of JSON. */
  readonly name: string;
  readonly level: LogLevel;
  /** Without it: pretty where the standard output is a terminal, JSON elsewhere. */
  readonly format?: LogFormat | undefined;
  /** Where lines go; without it, the standard output. */
  readonly destination?: Lines;
}

export function createLog({ name, level, format, destination }: LogOptions): ProgramLog & RecordLog {
  const isTerminal = destination === undefined && process.stdout.isTTY;
  const output = destination ?? openStandardOutput((lines) => log.warn({ lines }, 'log lines dropped'));
  const isPretty = (format ?? (isTerminal ? 'pretty' : 'json')) === 'pretty';
  const lines = isPretty ? prettyLines(output, isTerminal) : output;
  const logger = pino(
    {
      level,
      base: { name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: maskFields },
      hooks: { streamWrite: maskTokens },
    },
    lines,
  );
  const log: ProgramLog & RecordLog = {
    ...methodsOf(logger),
    recordLine: (message) =>
      logger.isLevelEnabled('info')
        ? createRecordLine({ name, message, write: gathering(lines) })
        : undefined,
    flush: () => (output instanceof LineOutput ? output.flush() : Promise.resolve()),
  };
  return log;
}

/** Lines that come by the thousand are gathered where their destination can do that. */
function gathering(lines: Lines): (line: string) => void {
  return lines instanceof LineOutput ? (line) => lines.gather(line) : (line) => lines.write(line);
}

/** Bound here, so that a pino logger's other doors stay shut. */
function methodsOf(logger: Logger): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
}

/** What still waits when the process exits is written there and then. */
function openStandardOutput(onDropped: (lines: number) => void): LineOutput {
  const output = new LineOutput({ fd: 1, onDropped });
  process.once('exit', () => output.flushSync());
  return output;
}

/** Lines for people, made in this process and in order; a stream in between could lose the last ones at exit. */
function prettyLines(lines: Lines, colorize: boolean): Lines {
  // Loaded only for people who look: a program that logs JSON is spared its 8 MB.
  const pretty: typeof PinoPretty = createRequire(import.meta.url)('pino-pretty');
  const prettify = pretty.prettyFactory({
    colorize,
    ignore: 'name',
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
  });
  return { write: (line) => lines.write(prettify(line)) };
}
