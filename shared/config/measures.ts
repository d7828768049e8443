/** Durations and sizes: a number with its unit becomes milliseconds or bytes. */
import { readDigits } from './formats.ts';
import { FormatViolation, scalar } from './format.ts';
import type { Format } from './format.ts';

const msOf: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

const bytesOf: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['B', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
]);

/** A timer of Node that is asked for more than 2^31-1 ms fires at once: what a timer measures stays under it. */
const maxTimerMs = 2 ** 31 - 1;

export interface DurationBounds {
  /** Whether `0` may be said; its meaning is the setting's. */
  readonly allowsZero?: boolean;
  /** The longest, in milliseconds, for what no timer measures. */
  readonly maxMs?: number;
}

/** Milliseconds from `250ms`, `15s`, `5m`, `1h`, `30d`. A bare number is refused: nobody can know its unit. */
export function duration({ allowsZero = false, maxMs = maxTimerMs }: DurationBounds = {}): Format<number> {
  const longest = `${Math.floor(maxMs / 86_400_000)}d`;
  return scalar({
    kind: 'duration',
    right: `give a number with its unit (ms, s, m, h, d), as in 15s, ${allowsZero ? '0' : '1ms'} to ${longest}`,
    parse: (raw) => {
      if (raw === '0' && allowsZero) return 0;
      const value = readMeasure(raw, msOf);
      if (value === undefined) return undefined;
      if (value === 0 && !allowsZero) throw new FormatViolation('is too short');
      if (value > maxMs) throw new FormatViolation('is too long');
      return value;
    },
  });
}

export interface SizeBounds {
  readonly minBytes?: number;
  readonly maxBytes?: number;
}

/** Bytes from `64KiB`, `16MiB`, `1GiB`, `512B`, or a plain number of bytes. */
export function size({ minBytes = 0, maxBytes = Number.MAX_SAFE_INTEGER }: SizeBounds = {}): Format<number> {
  const bounds =
    maxBytes === Number.MAX_SAFE_INTEGER
      ? `from ${writeSize(minBytes)} on`
      : `${writeSize(minBytes)} to ${writeSize(maxBytes)}`;
  return scalar({
    kind: 'size',
    right: `give bytes or a number with its unit (KiB, MiB, GiB), as in 64KiB, ${bounds}`,
    parse: (raw) => {
      const value = readMeasure(raw, bytesOf);
      if (value === undefined) return undefined;
      if (value < minBytes) throw new FormatViolation('is too small');
      if (value > maxBytes) throw new FormatViolation('is too large');
      return value;
    },
  });
}

function readMeasure(raw: string, units: ReadonlyMap<string, number>): number | undefined {
  const parts = /^([0-9]{1,16})([A-Za-z]{0,3})$/.exec(raw);
  const count = readDigits(parts?.[1] ?? '');
  const factor = units.get(parts?.[2] ?? '');
  if (count === undefined || factor === undefined) return undefined;
  return count * factor <= Number.MAX_SAFE_INTEGER ? count * factor : undefined;
}

function writeSize(bytes: number): string {
  for (const [unit, factor] of [...bytesOf].toReversed()) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}
