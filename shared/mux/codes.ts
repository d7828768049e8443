/**
 * The numbers that say why: of a reset stream and of a session that goes away.
 * The first are our profile on top of yamux (they travel in the length field of an RST frame, which the spec leaves
 * unused), the second are the spec's ("session termination"). This file knows no frames.
 */

export const resetCode = {
  cancelled: 0,
  /** The exchange ended cleanly; what served it can serve another. */
  done: 1,
  /** Nothing of the stream was looked at: safe to try elsewhere. */
  refused: 2,
  backendUnreachable: 3,
  backendConnectTimeout: 4,
  backendTls: 5,
  backendReset: 6,
  overloaded: 7,
  protocolError: 8,
} as const;

export type ResetCode = (typeof resetCode)[keyof typeof resetCode];

const knownResetCodes: readonly ResetCode[] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/** What an RST frame's length field means. A plain yamux peer sends 0; a number that nobody knows yet reads as cancelled. */
export function resetCodeOf(length: number): ResetCode {
  return knownResetCodes[length] ?? resetCode.cancelled;
}

export const goAwayCode = { normal: 0, protocolError: 1, internalError: 2 } as const;

export type GoAwayCode = (typeof goAwayCode)[keyof typeof goAwayCode];
