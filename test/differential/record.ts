/** What a backend understood of what it was sent: one JSON object a line, whatever the backend's language is. */
import { createHash } from 'node:crypto';

export interface BackendRecord {
  /**
   * request: a whole message was understood · incomplete: its end never came · refusal: the parser did not want it, or
   * the server answered it by itself; then the other members hold what is known.
   */
  readonly kind: 'request' | 'incomplete' | 'refusal';
  readonly host: string;
  readonly method: string;
  /** As the parser understood it. */
  readonly target: string;
  /** In the form of `bodyText`. */
  readonly body: string;
  /** Why it was refused, in the backend's words. */
  readonly reason: string;
}

const longestBody = 1_000;

/** A body as records hold it: its bytes as latin1, or of a long one the length and a digest. */
export function bodyText(bytes: Uint8Array): string {
  if (bytes.length <= longestBody) return Buffer.from(bytes).toString('latin1');
  return `#${bytes.length}:${createHash('md5').update(bytes).digest('hex')}`;
}

/** Undefined for a line that is no record. */
export function readRecord(line: string): BackendRecord | undefined {
  if (!line.startsWith('{"kind":"')) return undefined;
  const parsed: unknown = JSON.parse(line);
  return isRecord(parsed) ? parsed : undefined;
}

function isRecord(parsed: unknown): parsed is BackendRecord {
  return (
    typeof parsed === 'object' &&
    parsed !== null &&
    ['kind', 'host', 'method', 'target', 'body', 'reason'].every(
      (name) => typeof Reflect.get(parsed, name) === 'string',
    )
  );
}
