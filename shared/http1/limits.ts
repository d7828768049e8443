/** How much of a message is taken before it is refused. Every number is a default that configuration may replace. */

/** Limits of one head, in bytes as received. */
export interface HeadLimits {
  /** From the first byte of the start line to the end of the empty line. */
  readonly headBytes: number;
  /** One line without its CRLF. */
  readonly lineBytes: number;
  /** Field lines, the start line not counted. */
  readonly fields: number;
}

/** Rule 4: one line may use the whole head, since long URLs and cookies are real; 100 fields bound the work per head. */
export const requestHeadLimits: HeadLimits = { headBytes: 32 * 1024, lineBytes: 32 * 1024, fields: 100 };

/** Rule 34: backends are trusted with twice as much, for Set-Cookie and security policies. */
export const responseHeadLimits: HeadLimits = { headBytes: 64 * 1024, lineBytes: 64 * 1024, fields: 200 };

/** Limits of one body. */
export interface BodyLimits {
  /** Decoded bytes; Infinity where the body is only passed through and never held. */
  readonly bodyBytes: number;
  /** The extensions of one chunk, from the first `;` to before the CRLF (rule 28). */
  readonly chunkExtensionLineBytes: number;
  /** All extensions of a message together: they are read and dropped, so they must not be a free ride. */
  readonly chunkExtensionBytes: number;
  /** The trailer section with its empty line (rule 30); trailers are held until they are complete. */
  readonly trailerBytes: number;
  readonly trailerFields: number;
}

export const bodyLimits: BodyLimits = {
  bodyBytes: Infinity,
  chunkExtensionLineBytes: 256,
  chunkExtensionBytes: 16 * 1024,
  trailerBytes: 8 * 1024,
  trailerFields: 32,
};
