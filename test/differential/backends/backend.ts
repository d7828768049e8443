/** What every backend that is a Node process has: its output of records, and its end with the run. */
import { writeSync } from 'node:fs';
import { type BackendRecord, bodyText } from '../record.ts';

export const emptyRecord: BackendRecord = {
  kind: 'refusal',
  host: '',
  method: '',
  target: '',
  body: '',
  reason: '',
};

/** Longer than a run: a pooled connection never ends between two cases, since that would look like a lost answer. */
export const idleTimeoutMs = 3_600_000;

export function say(record: BackendRecord): void {
  // Member order matters: a line is known as a record by its beginning.
  const { kind, host, method, target, body, reason } = record;
  writeLine({ kind, host, method, target, body, reason });
}

export function sayListening(port: number): void {
  writeLine({ msg: 'listening', port });
}

/** Synchronous, so that a record is out before the answer that it belongs to. */
function writeLine(value: object): void {
  let bytes = Buffer.from(`${JSON.stringify(value)}\n`);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(1, bytes));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}

/** Ends the process when the run has ended, after what it started. */
export function endWithParent(close: () => Promise<void> = async () => undefined): void {
  let isEnding = false;
  const end = (): void => {
    if (isEnding) return;
    isEnding = true;
    void close().then(() => process.exit(0));
  };
  process.on('SIGTERM', end);
  process.stdin.on('end', end).on('error', end).resume();
}

/** Gathers a body. */
export class Body {
  readonly #pieces: Buffer[] = [];

  push(bytes: Buffer): void {
    this.#pieces.push(Buffer.from(bytes));
  }

  get text(): string {
    return bodyText(Buffer.concat(this.#pieces));
  }
}

/** What a refused message says of itself, read as far as a plain line goes: for finding its case, not for judging it. */
export function glance(raw: string): Pick<BackendRecord, 'host' | 'method' | 'target'> {
  const [method = '', target = ''] = raw.split('\r\n', 1)[0]?.split(' ') ?? [];
  const host = /^host:[ \t]*([^\r\n]*)/im.exec(raw)?.[1] ?? '';
  return { host, method, target };
}
