/** What reading a body looks like to whoever passes it on, whatever its framing is. */
import type { ConnectionNames } from './connection.ts';
import type { Field } from './fields.ts';
import type { DecodeLatin1 } from './latin1.ts';
import type { BodyLimits } from './limits.ts';

export interface BodyReaderOptions {
  readonly limits?: BodyLimits;
  /** What the head's Connection lists: trailers of these names do not go on. */
  readonly connectionNames?: ConnectionNames;
  readonly decode?: DecodeLatin1;
}

export interface BodyReader {
  /**
   * Reads on in `bytes` from `from` and gives the index to go on from. At most one run of body bytes is found on the way,
   * bytes[dataStart, dataEnd), of at most `limit` bytes (1 or more); it is empty when there was none. Unless `bytes` ends at `from`
   * the index is above `from`, or the body is `done` and the bytes from there on are not its own. Throws a Refusal.
   */
  read(bytes: Uint8Array, from: number, limit: number): number;
  readonly dataStart: number;
  readonly dataEnd: number;
  /** The body is complete. */
  readonly done: boolean;
  /** Once done: the trailers that may go on, checked (rule 30). */
  readonly trailers: readonly Field[];
  /** The transport has ended: throws the refusal of a truncated body; a close-delimited one becomes done. */
  end(): void;
  /** Decoded bytes so far. */
  readonly size: number;
}
