/**
 * The shape of a yamux frame (spec, "framing"): twelve bytes of header, big endian, and the payload of a data frame.
 *
 *     version 8 | type 8 | flags 16 | stream id 32 | length 32
 *
 * It writes headers; the decoder reads them. It knows no streams and no order.
 */

export const headerBytes = 12;

/** Our profile: a stream's turn is at most this much, so that no stream holds another up for longer. */
export const maxDataBytes = 16_384;

/** Ids and windows are 32 bits wide. */
export const maxUint32 = 0xffff_ffff;

export const frameType = { data: 0, windowUpdate: 1, ping: 2, goAway: 3 } as const;

export type FrameType = (typeof frameType)[keyof typeof frameType];

/** narrow: our profile, beside a SYN, and only to a peer that has said that it knows it. */
export const frameFlag = { syn: 1, ack: 2, fin: 4, rst: 8, narrow: 16 } as const;

/** Writes one header at `at` and returns where the payload, or the next frame, begins. */
export function writeHeader(
  into: Uint8Array,
  at: number,
  type: FrameType,
  flags: number,
  id: number,
  length: number,
): number {
  into[at] = 0;
  into[at + 1] = type;
  into[at + 2] = 0;
  into[at + 3] = flags;
  into[at + 4] = id >>> 24;
  into[at + 5] = id >>> 16;
  into[at + 6] = id >>> 8;
  into[at + 7] = id;
  into[at + 8] = length >>> 24;
  into[at + 9] = length >>> 16;
  into[at + 10] = length >>> 8;
  into[at + 11] = length;
  return at + headerBytes;
}
